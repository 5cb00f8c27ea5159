"""Code run inside decoding processes, one module per family. Imported only by ``media/worker.py``."""
