"""What the bag says of itself."""

from __future__ import annotations

from evidence.pack import cells
from evidence.pack.plan import Plan


def bag_info(plan: Plan) -> dict[str, str]:
    """`bag-info.txt` but for its Payload-Oxum, in order."""
    return {
        "Source-Organization": plan.source.organization,
        "External-Description": plan.title,
        "External-Identifier": plan.folder,
        "Bagging-Date": f"{plan.as_of:%Y-%m-%d}",
        "Bag-Software-Agent": f"Countersign {plan.source.code_version}",
        "Countersign-As-Of": cells.moment(plan.as_of),
        "Countersign-Period": f"{plan.period_start} to {plan.period_end}, both days included",
        "Countersign-Signed": "no",
    }
