"""The choice of labels: the important first, none over another, and none lost at the last zoom where there is room."""

from __future__ import annotations

import random

from cop_tiles.basemap.labels import ZOOMS, Label, _box, first_zooms


def _labels(count: int) -> list[Label]:
    dice = random.Random(7)
    kinds = ["town", "suburb", "quarter", "village", "sea"]
    return [
        Label(
            dice.choice(kinds), "地名" * dice.randint(1, 2), "A Name " * dice.randint(0, 3),
            12_700_000 + dice.random() * 40_000, 2_550_000 + dice.random() * 40_000,
            dice.choice([9.0, 10.0, 11.0, 13.0]), dice.random() * 5,
        )
        for _ in range(count)
    ]  # fmt: skip


def test_no_label_lies_over_another_when_it_appears() -> None:
    labels = _labels(400)
    first = first_zooms(labels)
    for zoom in ZOOMS:
        shown = [(nth, _box(label, zoom)) for nth, label in enumerate(labels) if (first[nth] or 99) <= zoom]
        for nth, box in shown:
            if first[nth] == zoom:
                over = [
                    other for which, other in shown
                    if which != nth and box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]
                ]  # fmt: skip
                assert not over


def test_the_more_important_comes_first() -> None:
    here = 12_700_000.0, 2_550_000.0
    village = Label("village", "村", "Village", *here, 10.0, 6.0)
    town = Label("town", "鎮", "Town", here[0] + 50, here[1], 10.0, 2.0)
    first = first_zooms([village, town])
    assert first[1] == 10.0
    assert first[0] is None or first[0] > 13


def test_a_label_that_ends_makes_room() -> None:
    here = 12_700_000.0, 2_550_000.0
    district = Label("district", "區", "District", *here, 9.0, 1.0, until=12.0)
    suburb = Label("suburb", "地", "Suburb", *here, 10.0, 4.0)
    assert first_zooms([district, suburb]) == [9.0, 12.0]
