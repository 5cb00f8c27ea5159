"""Training: data-set readers, de-duplication, and the training of the text classifier.

    >>> from seawall.learn.datasets import DATASETS
    >>> DATASETS["hatecheck"].use
    <Use.EVALUATE: 'evaluate'>

Training needs scikit-learn (the extra ``train``), which is imported only then::

    from seawall.learn.train import train_text_model
    train_text_model(Path("data"), Path("my-model"))
"""

from seawall.learn.datasets import DATASETS, Dataset, DatasetUse, LabelledText, RefusedError, TrainingError

__all__ = ["DATASETS", "Dataset", "DatasetUse", "LabelledText", "RefusedError", "TrainingError"]
