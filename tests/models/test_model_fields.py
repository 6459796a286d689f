"""What the U-Net, the segmentation head and the detector look at, at every scale, worked out by hand.

A layer of kernel k on a map of stride S adds (k - 1)·S pixels to a field.
"""

from fractions import Fraction

import pytest

from minicnn import describe, models
from minicnn.field import Box, ReceptiveField


def centre(field: ReceptiveField) -> Fraction:
    """Return where output 0 looks, in the middle: both axes are alike here."""
    assert field.start[0] == field.start[1]
    return field.start[0] + Fraction(field.size[0] - 1) / 2


# The U-Net.

DOWN = {  # two 3×3 add 4·S, a pooling S
    "down1.relu2": "5 / 1 / 2", "down1.pool": "6 / 2 / 2", "down2.relu2": "14 / 2 / 6", "down2.pool": "16 / 4 / 6",
    "down3.relu2": "32 / 4 / 14", "down3.pool": "36 / 8 / 14", "down4.relu2": "68 / 8 / 30", "down4.pool": "76 / 16 / 30",
    "bottom.relu2": "140 / 16 / 62",
}  # fmt: skip
UP = {  # an up-convolution halves the stride, and adds half of what it was: its two phases begin that far apart
    "up4.up": "148 / 8 / 70", "up4.cat": "148 / 8 / 70", "up4.relu2": "180 / 8 / 86", "up3.up": "184 / 4 / 90",
    "up3.relu2": "200 / 4 / 98", "up2.up": "202 / 2 / 100", "up2.relu2": "210 / 2 / 104", "up1.up": "211 / 1 / 105",
    "up1.relu2": "215 / 1 / 107", "head": "215 / 1 / 107",
}  # fmt: skip


@pytest.fixture(scope="module")
def unet():
    return describe(models.unet(), (1, 512, 528))


@pytest.mark.parametrize(("name", "field"), [*DOWN.items(), *UP.items()])
def test_every_level_of_the_u_net(unet, name, field):
    assert str(unet.field(name)) == field


def test_all_joins_of_the_u_net_are_aligned(unet):
    assert all(row.field.aligned for row in unet)
    for level in (1, 2, 3, 4):
        assert centre(unet.field(f"down{level}.relu2")) == centre(unet.field(f"up{level}.up")) == Fraction(2 ** (level - 1) - 1, 2)
    assert "Note" not in str(unet)


def test_what_one_answer_of_the_u_net_sees_exactly(unet):
    """Row 256: 254…258 → 127…129 → 125…131 → 62…65 → 60…67 → 30…33 → 28…35 → 14…17, and bottom cell c sees 16c - 62 … 16c + 77."""
    assert unet.box("head", 256, 256) == Box(162, 162, 349, 349)
    assert unet.box("head", 264, 256) == Box(162, 162, 365, 349)  # 262…266 → 131…133 → 129…135 → 64…67 → 62…69 → 31…34 → 29…36 → 14…18
    assert {unet.box("head", 256 + i, 256).size[0] for i in range(16)} == {188, 204}
    assert unet.field("head").box(256, 264) == Box(149, 157, 363, 371)  # the closed form: from 16 phases the farthest to either side


def test_an_up_convolution_sees_one_cell_by_its_phase(unet):
    assert unet.box("up4.up", 20, 21) == unet.box("up4.up", 21, 20) == unet.box("bottom.relu2", 10, 10)


# The segmentation head.


def test_fields_of_the_fcn():
    """As far as ResNet-50's 427, in steps of 8; a 3×3 adds 2·8, enlarging 8 times (23/8 - 1)·8 = 15."""
    facts = describe(models.fcn_resnet50(), (3, 960, 64))
    names = ("backbone.layer2.3.relu", "backbone.layer3.5.relu", "backbone.layer4.2.relu", "classifier.0", "upsample")
    assert [str(facts.field(name)) for name in names] == ["91 / 8 / 45", "267 / 8 / 133", "427 / 8 / 213", "443 / 8 / 221", "458 / 1 / 232"]
    assert all(row.field.aligned for row in facts)
    assert (centre(facts.field("classifier.4")), centre(facts.field("upsample"))) == (0, Fraction(-7, 2))
    # row 483 = 8·60 + 3 lies at cell (483 + 1/2)/8 - 1/2 = 60 - 1/16: it mixes cells 59 and 60, which see 8c - 221 … 8c + 221
    assert facts.box("upsample", 483, 31) == Box(251, 0, 701, 63)
    assert facts.box("upsample", 484, 31) == Box(259, 0, 709, 63)  # cells 60 and 61


# The detector.

BACKBONE = {  # 3×3 add 2·S, one of them in each bottleneck; the first kernel is 6
    "model.0.act": "6 / 2 / 2", "model.1.act": "10 / 4 / 4", "model.2.cv3.act": "18 / 4 / 8", "model.3.act": "26 / 8 / 12",
    "model.4.cv3.act": "58 / 8 / 28", "model.5.act": "74 / 16 / 36", "model.6.cv3.act": "170 / 16 / 84",
    "model.7.act": "202 / 32 / 100", "model.8.cv3.act": "266 / 32 / 132", "model.9.cat": "650 / 32 / 324", "model.10.act": "650 / 32 / 324",
}  # fmt: skip
NECK = {  # repeating cells halves S and adds the new S; a join holds both of what meets
    "model.11": "666 / 16 / 340", "model.12": "666 / 16 / 340", "model.14.act": "698 / 16 / 356", "model.15": "706 / 8 / 364",
    "model.16": "706 / 8 / 364", "model.17.cv3.act": "722 / 8 / 372", "model.18.act": "738 / 16 / 380", "model.19": "738 / 16 / 380",
    "model.20.cv3.act": "770 / 16 / 396", "model.21.act": "802 / 32 / 412", "model.22": "802 / 32 / 412",
    "model.23.cv3.act": "866 / 32 / 444", "model.24.m.0": "722 / 8 / 372", "model.24.m.1": "770 / 16 / 396", "model.24.m.2": "866 / 32 / 444",
}  # fmt: skip


@pytest.fixture(scope="module")
def yolo():
    return describe(models.yolov5n(), (3, 640, 480))


@pytest.mark.parametrize(("name", "field"), [*BACKBONE.items(), *NECK.items()])
def test_every_scale_of_the_detector(yolo, name, field):
    assert str(yolo.field(name)).split(" (")[0] == field


def test_the_backbone_is_aligned_and_what_comes_up_is_not(yolo):
    """All centres of the backbone are half a pixel off, by the first kernel's even width; each way up moves them half a cell back."""
    rows = {row.name: row.field for row in yolo}
    assert all(rows[name].aligned for name in (*BACKBONE, "model.11"))
    assert {centre(rows[name]) for name in BACKBONE} == {Fraction(1, 2)}
    assert rows["model.12"].reason == "misaligned: model.11 is centred 8 rows and 8 columns from model.6.cv3.act"
    assert centre(rows["model.6.cv3.act"]) - centre(rows["model.11"]) == 8
    assert centre(rows["model.4.cv3.act"]) - centre(rows["model.15"]) == 8 + 4
    assert not any(rows[name].aligned for name in ("model.16", "model.19", "model.22", *models.yolov5n().outputs))
    assert "Note: misaligned: model.11 is centred 8 rows and 8 columns from model.6.cv3.act." in str(yolo)
    assert "666 / 16 !" in str(yolo)


def test_what_a_cell_of_the_backbone_sees_exactly(yolo):
    assert yolo.box("model.4.cv3.act", 40, 30) == Box(292, 212, 349, 269)  # 8·40 - 28 … + 57
    assert yolo.box("model.0.act", 0, 0) == Box(0, 0, 3, 3)  # two of its six rows are padding
    assert yolo.box("model.24.m.2", 10, 7) == Box(0, 0, 639, 479)


def test_repeated_cells_see_the_same(yolo):
    assert yolo.box("model.11", 6, 7) == yolo.box("model.11", 7, 6) == yolo.box("model.10.act", 3, 3)
