"""What other teams see of scores on a private ground truth, and how much they can reconstruct from it."""

from __future__ import annotations

import re
from uuid import uuid4

import numpy as np
import pytest

from palmares.benchmarks.models import Benchmark, Board, Truth
from palmares.benchmarks.private_truth import Rounding, decimals
from palmares.submissions.models import MetricValue, Score
from palmares.teams.models import Team
from tests.reconstruction import reconstruct

EXACT = {"pa_mpjpe": 10.123456, "ra_mpjpe": 20.654321, "pa_auc_joints": 0.876543, "pa_median_joint_error": 9.135791}


@pytest.fixture
def private(contest, scored, outsider):
    """A public benchmark with a private truth of 4000 hands, and two submissions: the owning team's and another's."""
    contest.boards.create(slug="most", name="Most", tag="most", position=1)
    contest.boards.create(slug="half", name="Half", tag="half", position=2)
    Truth.objects.update(rows=4000, subsets={"most": [[0, 3994]], "half": [[0, 1999]]})
    Benchmark.objects.update(visibility="public")
    made = [
        scored("ours", is_public=True, figures=EXACT),
        scored("theirs", by_team=Team.objects.get(memberships__user=outsider), figures=EXACT),
    ]
    MetricValue.objects.update(detected=10.0011)
    Score.objects.update(content={"by_joint_mm": {"pa_mpjpe": [10.1234] * 21}, "flags": {"reflected": 3}, "fps": 30})
    return made


def rounding(rows: int = 4000, tag: str = "", **facts) -> Rounding:
    truth = Truth(rows=rows, subsets={"most": [[0, rows - 6]], "half": [[0, rows // 2 - 1]]})
    return Rounding(Benchmark(protocol="dexycb", **facts), Board(pk=1, slug="b", tag=tag), truth, 3)


def test_values_are_rounded_at_random_but_always_the_same_and_right_on_average():
    found = rounding()
    submission = uuid4()
    step = found.step("mpjpe", 1.0)
    assert (step, decimals(step)) == (0.3, 1)
    once = found.rounded(submission=submission, metric="mpjpe", value=10.1, coverage=1.0)
    assert once == found.rounded(submission=submission, metric="mpjpe", value=10.1, coverage=1.0)
    many = [found.rounded(submission=uuid4(), metric="mpjpe", value=10.1, coverage=1.0) for _ in range(3000)]
    assert set(many) == {9.9, 10.2}
    assert np.mean(many) == pytest.approx(10.1, abs=4 * 0.15 / np.sqrt(3000))


def test_the_step_grows_with_the_quota_and_as_hands_become_fewer():
    assert rounding(yearly_limit=5000).step("mpjpe", 1.0) > rounding().step("mpjpe", 1.0)
    assert rounding().step("mpjpe", 0.1) > rounding().step("mpjpe", 1.0)
    assert rounding(tag="half").step("mpjpe", 1.0) > rounding().step("mpjpe", 1.0)
    assert rounding(rows=24).step("mpjpe", 1.0) is None, "too few for any value"


def test_values_with_few_remaining_hands_and_medians_are_withheld():
    assert rounding(tag="most").step("mpjpe", 1.0) is None
    assert rounding().step("ra_median_joint_error", 1.0) is None
    assert rounding().step("shape_mse", 1.0) is None


def test_others_see_rounded_values_everywhere_and_the_team_exact_ones(api, client, private, contest, outsider, member):
    ours, theirs = private
    board = f"/api/v1/benchmarks/{contest.slug}/leaderboard/"
    paths = [f"/api/v1/submissions/{made.pk}/" for made in private]
    paths += [f"/api/v1/submissions/{ours.pk}/content/", f"/api/v1/submissions/{theirs.pk}/content/"]
    paths += [f"{board}?board={slug}&as={kind}" for slug in ("all", "half") for kind in ("json", "csv", "markdown", "latex")]
    client.force_login(outsider)
    pages = [f"/submissions/{made.pk}/" for made in private]
    pages += [f"/benchmarks/{contest.slug}/?tab={tab}" for tab in ("leaderboard", "plots", "sequences", "about")]
    for caller, addresses in ((api(outsider), paths), (client, pages)):
        for address in addresses:
            answer = caller.get(address)
            assert answer.status_code == 200, address
            text = answer.content.decode()
            leaked = [t for t in ("10.12", "20.65", "0.8765", "9.13", "9.14", "10.00", "reflected", "11.12") if t in text]
            assert not leaked, f"{address} shows {leaked}"
    values = api(outsider).get(paths[1]).json()["scores"]
    assert values["report"] == {}
    assert set(values["metrics"]) == {"pa_mpjpe", "ra_mpjpe", "pa_auc_joints"}
    assert values["metrics"]["pa_mpjpe"] == pytest.approx(10.123456, abs=0.5)
    rows = api(outsider).get(board).json()["rows"]
    assert rows[0]["low"] is None
    assert {row["rank"] for row in rows} <= {1, 2}
    assert api(outsider).get(f"{board}?metric=pa_median_joint_error").status_code == 400
    assert api(outsider).get(f"{board}?board=most").json()["rows"] == []
    page = client.get(f"/benchmarks/{contest.slug}/").content.decode()
    assert re.search(r"rounded at random to a neighbouring multiple of [\d.]+ mm", page)
    exact = api(member).get(paths[0]).json()["scores"]["metrics"]
    assert exact["pa_mpjpe"] == EXACT["pa_mpjpe"]


def test_where_errors_per_frame_are_shown_values_are_exact(api, private, outsider):
    Benchmark.objects.update(shows_frames=True)
    values = api(outsider).get(f"/api/v1/submissions/{private[1].pk}/").json()["scores"]["metrics"]
    assert values == EXACT


def test_a_year_of_submissions_reveals_no_position_within_5_mm():
    """A year for each of thirty hands, from however many accounts; without rounding the same attack is exact."""
    found = reconstruct()
    assert found.answers == Benchmark(protocol="dexycb").yearly_limit
    assert found.exact_mm.max() < 2
    assert found.errors_mm.min() > 5


def test_other_teams_do_not_see_empty_sections(client, contest, scored, member, outsider):
    Benchmark.objects.update(visibility="public")
    scored("one", is_public=True)
    scored("two", is_public=True)
    pages = {}
    for name, user in {"own": member, "other": outsider}.items():
        client.force_login(user)
        pages[name] = client.get("/benchmarks/contest-of-ours/").content.decode()
    for words in ("tab=plots", "tab=sequences", "95% interval", "Plot selected", 'aria-label="Plot one"'):
        assert words in pages["own"], words
        assert words not in pages["other"], words
    client.force_login(outsider)
    answer = client.get("/benchmarks/contest-of-ours/?tab=plots")
    assert (answer.status_code, answer.context["tab"]) == (200, "leaderboard")
