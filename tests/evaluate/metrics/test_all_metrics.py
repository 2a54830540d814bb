from playworld.evaluate import EvaluateOptions
from playworld.evaluate.all_metrics import METRICS, in_order
from playworld.evaluate.context import shared_frames


def test_every_part_of_the_progress_has_a_name_of_its_own():
    names = [*shared_frames(EvaluateOptions(), 3), *(metric.name for metric in METRICS)]
    assert len(names) == len(set(names))


def test_a_metric_that_no_order_names_comes_after_those_that_it_does():
    first, second, *rest = METRICS
    assert in_order(second, first) == (second, first, *rest)
