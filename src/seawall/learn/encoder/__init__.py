"""Fine-tuning of the small transformer used alongside the n-gram model, and export of the served file.

    seawall train --out my-model --encoder all-MiniLM-L6-v2/    # fine-tunes the published weights (tens of minutes)
    seawall train --out my-model --encoder encoder.onnx         # keeps this encoder, calibrates anew

The first needs ``pip install torch onnx safetensors onnxruntime`` besides ``seawall[train]``, and the folder of the
published model all-MiniLM-L6-v2 (Apache-2.0): ``model.safetensors``, whose digest is checked, and ``vocab.txt``.
"""

from seawall.learn.encoder.prepare import RELEASE_SHA256, encoder_file

__all__ = ["RELEASE_SHA256", "encoder_file"]
