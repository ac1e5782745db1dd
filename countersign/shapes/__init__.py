"""Where text stands in what is sent to AI services and comes back: one reader for each form.

`shape_for` names the form of a call by its address; `read` gives a document whose slots are all
the texts in it, and which renders itself again with what the slots became.
"""

from countersign.shapes.routes import shape_for

__all__ = ["shape_for"]
