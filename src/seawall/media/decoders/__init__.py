"""What runs inside decoding processes, a module for each family. Imported by ``media/worker.py`` alone."""
