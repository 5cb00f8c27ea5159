"""Metrics as pure functions of arrays, with optional row weights and a seed where randomness is used.

>>> from seawall.measure import accuracy, roc_auc, wilson
>>> roc_auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
0.75
>>> round(wilson(45, 50).lower, 3)
0.786
>>> accuracy([1, 1, 0, 0], [1, 0, 0, 0]).precision.value
1.0
"""

from seawall.measure.agreement import accuracy_against, cohen_kappa, krippendorff_alpha, percent_agreement
from seawall.measure.calibrate import (
    Isotonic,
    Platt,
    brier,
    expected_calibration_error,
    fit_isotonic,
    fit_platt,
    sigmoid,
)
from seawall.measure.fairness import IdentityAuc, identity_auc, identity_rows
from seawall.measure.intervals import (
    UNDEFINED,
    Interval,
    bootstrap,
    clopper_pearson,
    effective,
    lower_bound,
    share_text,
    upper_bound,
    wilson,
)
from seawall.measure.metrics import (
    Accuracy,
    Confusion,
    accuracy,
    average_precision,
    confusion,
    f1_per_class,
    macro_f1,
    roc_auc,
    weighted_f1,
)
from seawall.measure.operating import (
    FPR_GRID,
    calibration_table,
    operating_point,
    operating_points,
    threshold_at_fpr,
)
from seawall.measure.suites import accuracy_per_function

__all__ = [
    "FPR_GRID",
    "UNDEFINED",
    "Accuracy",
    "Confusion",
    "IdentityAuc",
    "Interval",
    "Isotonic",
    "Platt",
    "accuracy",
    "accuracy_against",
    "accuracy_per_function",
    "average_precision",
    "bootstrap",
    "brier",
    "calibration_table",
    "clopper_pearson",
    "cohen_kappa",
    "confusion",
    "effective",
    "expected_calibration_error",
    "f1_per_class",
    "fit_isotonic",
    "fit_platt",
    "identity_auc",
    "identity_rows",
    "krippendorff_alpha",
    "lower_bound",
    "macro_f1",
    "operating_point",
    "operating_points",
    "percent_agreement",
    "roc_auc",
    "share_text",
    "sigmoid",
    "threshold_at_fpr",
    "upper_bound",
    "weighted_f1",
    "wilson",
]
