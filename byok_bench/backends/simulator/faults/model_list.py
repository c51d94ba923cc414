"""Faults of the model list."""

from byok_bench.backends.simulator.faults.fault import fault
from byok_bench.backends.simulator.faults.reply_parts import iterate_objects
from byok_bench.backends.simulator.visit import Visit


@fault("models.shape", "the models stand under models, not data", route="models")
def models_shape(visit: Visit) -> None:
    visit.reply.document["models"] = visit.reply.document.pop("data")


@fault("models.object", "list and items have no label", route="models")
def models_object(visit: Visit) -> None:
    for one in iterate_objects(visit.reply.document):
        one.pop("object", None)


@fault("models.empty", "a model is listed twice", route="models")
def models_empty(visit: Visit) -> None:
    visit.reply.document["data"] *= 2


@fault("models.contains", "the models in use are not listed", route="models")
def models_contains(visit: Visit) -> None:
    for model in visit.reply.document["data"]:
        model["id"] = f"another-{model['id']}"
