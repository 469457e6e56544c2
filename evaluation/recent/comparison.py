"""False alarms of the diagnosis and of the published rule at the same recall."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from evaluation.diagnosis.metrics import Numbers, Table, joined, share, where
from evaluation.recent.published_rule import READINGS, RULE_MM_YR
from training.metrics import rounded

LIMITS: Final = (0.95, 0.99, 0.999)


def compare(tables: Sequence[Table]) -> Numbers:
    """Return recall and false alarms, for the series of all scenes and of each group of them.

    Recall is the share of the series that changed by more than 10 mm/yr; false alarms are that of those that did not
    change.
    """
    table = joined(tables)
    table = where(table, np.isfinite(table["probability"]))
    groups = dict.fromkeys(table["group"].tolist())
    return {"all": _compare(table), **{name: _compare(where(table, table["group"] == name)) for name in groups}}


def _compare(table: Table) -> Numbers:
    large, none = np.abs(table["change"]) > RULE_MM_YR, table["change"] == 0
    probability = table["probability"]
    found: Numbers = {"changed": int(large.sum()), "unchanged": int(none.sum())}
    for reading in READINGS:
        flagged = table[reading] > RULE_MM_YR
        recall = share(flagged[large])
        # The limit at which the diagnosis finds as many of the changes as the rule.
        limit = float(np.quantile(probability[large], 1 - recall))
        found[reading] = {
            "recall": rounded(recall),
            "false_alarms": rounded(share(flagged[none])),
            "limit": limit,
            "false_alarms_of_diagnosis": rounded(share(probability[none] >= limit)),
        }
    for limit in LIMITS:
        flagged = probability > limit
        found[f"above {limit}"] = {
            "recall": rounded(share(flagged[large])),
            "false_alarms": rounded(share(flagged[none])),
        }
    return found
