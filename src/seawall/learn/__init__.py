"""Learning: data-set readers, de-duplication, and the training of the text classifier.

>>> from seawall.learn.datasets import DATASETS
>>> DATASETS["hatecheck"].use
<Use.EVALUATE: 'evaluate'>
"""
