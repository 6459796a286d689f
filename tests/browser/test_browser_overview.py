"""The overview, read from the page: every node, what describe says of it, branches as branches, and the way into each."""

import page_networks as networks
import pytest

from minicnn.show.blocks import blocks
from minicnn.text import count, times


def facts(row) -> list[str]:
    """What the page says of a node, in the words of describe."""
    sees = str(row.field) if row.field.size else "everything"
    return [times(row.shape[1:]), sees, count(row.parameters) if row.parameters else "–", count(row.bytes, "B")]


def test_every_node_stands_there_with_what_describe_says(open_report):
    net, found = networks.branching()
    page = open_report(net, found).page
    assert page.locator(".rows button.row").count() == len(net) + 1  # and the input
    for row in found.description:
        button = page.locator(f'[data-key="node-{row.name}"]')
        assert button.locator("b").inner_text() == row.name
        assert button.locator(".fact").all_inner_texts() == facts(row)


def test_the_lead_counts_what_describe_counts(open_report):
    net, found = networks.branching()
    lead = open_report(net, found).page.locator(".lead").inner_text()
    rows = list(found.description)
    assert lead.startswith("12 nodes in 7 stages · ")
    for what, unit in (("parameters", ""), ("multiply_adds", ""), ("bytes", "B")):
        assert count(sum(getattr(row, what) for row in rows), unit) in lead


@pytest.mark.parametrize("make", [networks.branching, networks.u_shaped], ids=lambda make: make.__name__)
def test_stages_are_blocks_and_a_branch_goes_over_what_it_skips(open_report, make):
    net, found = make()
    page = open_report(net, found).page
    stages, edges = blocks(found.description)
    drawn = page.locator(".staircase g.block")
    labels = drawn.evaluate_all("all => all.map((one) => one.getAttribute('aria-label'))")
    assert [label.partition(": ")[0] for label in labels] == [f"stage {stage['name']}" for stage in stages]
    assert page.locator(".staircase path.edge:not(.tip)").count() == len(edges)
    ends = page.locator(".staircase path.skip").evaluate_all(
        "all => all.map((arc) => [0, arc.getTotalLength()].map((at) => arc.getPointAtLength(at).x))"
    )
    spans = drawn.evaluate_all("all => all.map((one) => one.getBBox()).map(({ x, width }) => [x, x + width])")
    skips = [edge for edge in edges if edge[1] - edge[0] > 1]
    assert len(ends) == len(skips) == {networks.branching: 1, networks.u_shaped: 2}[make]
    for arc, skip in zip(ends, skips, strict=True):
        for x, stage in zip(arc, skip, strict=True):
            assert spans[stage][0] < x < spans[stage][1]


def test_inside_a_block_the_way_round_is_a_line_of_its_own(open_report):
    net, found = networks.residual()
    page = open_report(net, found).page

    def lines(name):
        return page.locator(f'[data-key="node-{name}"] .rail path').evaluate_all("all => all.map((one) => one.getAttribute('d'))")

    # what comes in passes conv and bn and arrives at add, beside the line through the nodes
    assert lines("block.conv") == ["M32 0 V50", "M32 50 V100", "M22 0 V100"]
    assert lines("block.bn") == ["M32 0 V50", "M32 50 V100", "M22 0 V100"]
    assert [line[:6] for line in lines("block.add")] == ["M32 0 ", "M32 50", "M22 0 "]
    assert page.locator(".staircase path.skip").count() == 1  # and the staircase has a bridge over the block


def test_a_stage_leads_to_its_nodes_and_a_node_to_its_maps(open_report):
    net, found = networks.branching()
    page = open_report(net, found).page
    page.locator(".staircase g.block").nth(3).click()
    assert page.evaluate("document.activeElement.innerText").startswith("add … relu2")
    page.locator('[data-key="node-relu2"]').click()
    assert page.locator("[role=tab][aria-selected=true]").inner_text() == "Maps"
    assert page.locator("[data-key=node-choice]").input_value() == "relu2"
    page.go_back()
    page.locator(".overview").wait_for()


@pytest.mark.parametrize("name", ["conv1", "gap", "fc"])
def test_what_is_dead_or_without_positions_is_said(open_report, name):
    net, found = networks.branching()
    page = open_report(net, found).page
    assert page.locator('[data-key="node-relu1"] em').all_inner_texts() == ["1 dead"]
    assert "1 dead" in page.locator('[data-key="node-relu1"]').get_attribute("aria-label")
    assert page.locator(f'[data-key="node-{name}"] em').count() == 0
