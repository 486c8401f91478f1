"""Publishing: a finished run becomes a dataset, a card, exports, a report, and goes to the Hub.

    published = write_dataset(run / "dataset", Finished(...))

Everything else here reads what that wrote: RUN/dataset, funnel.json and manifest.json, never the ledger.
"""

from datamind_gen.publish.dataset import PublishedDataset, write_dataset
from datamind_gen.publish.finished import Dropped, Finished, ModelUse, PublishError

__all__ = ["Dropped", "Finished", "ModelUse", "PublishError", "PublishedDataset", "write_dataset"]
