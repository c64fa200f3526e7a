"""Panels' data as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from ml.catalog import METRICS
from palmares.svg_charts import Axis, Line, Point, curves, round_up, scatter

VIRIDIS: Final = ("#440154", "#472D7B", "#3B528B", "#2C728E", "#21918C", "#28AE80", "#5EC962", "#ADDC30", "#FDE725")
"""Matplotlib's viridis (CC0) at nine equal steps."""
HAND: Final = (
    (105, 196),
    (70, 172), (48, 146), (32, 124), (18, 104),
    (78, 108), (72, 76), (69, 54), (67, 34),
    (104, 102), (104, 66), (104, 42), (104, 20),
    (128, 107), (134, 74), (138, 52), (141, 32),
    (150, 120), (162, 94), (169, 78), (176, 62),
)  # fmt: skip
"""Joints of a right hand seen from its back, in the order of predictions: wrist, then each finger from base to tip."""
_NAMES: Final = ("wrist", *(f"{finger} {n}" for finger in ("thumb", "index", "middle", "ring", "pinky") for n in range(1, 5)))


def draw_points(data: dict[str, Any], *, addresses: bool) -> SafeString:
    """A scatter plot.

    Args:
        data: of a panel of kind `scatter` or `smooth`.
        addresses: whether points open their clip.
    """
    colours = {method["name"]: method["colour"] for method in data["methods"]}
    titles = {method["name"]: method["title"] for method in data["methods"]}
    x, y = (_axis(axis, [point[key] for point in data["points"]]) for axis, key in zip(data["axes"], "xy", strict=True))
    points = [
        Point(
            point["x"],
            point["y"],
            colours[point["method"]],
            f"{titles[point['method']]}, {point['clip']}: {point['x']:.2f}, {point['y']:.2f}",
            f"/uploads/{point['upload']}/view/?runs={point['run']}" if addresses else "",
        )
        for point in data["points"]
    ]
    if data.get("means"):
        points += [
            Point(m["mean"][0], m["mean"][1], m["colour"], f"{m['title']}, mean over the clips", is_mean=True)
            for m in data["methods"]
        ]
    label = f"{data['axes'][1]['title']} against {data['axes'][0]['title']}"
    return scatter(points, x=x, y=y, label=label)


def draw_pck(data: dict[str, Any]) -> SafeString:
    """PCK curves of a panel of kind `pck`."""
    lines = [Line(line["method"], [(x, y) for x, y in line["points"]], line["colour"]) for line in data["lines"]]
    x_max = max(x for line in lines for x, _ in line.points)
    x, y = Axis("threshold (mm)", 0.0, x_max), Axis("share of joints", 0.0, 1.0)
    return curves(lines, x=x, y=y, label=f"PCK curves: {METRICS[data['metric']].title}")


def draw_hands(data: dict[str, Any]) -> list[tuple[str, str, SafeString]]:
    """Method, colour and drawing of each hand of a panel of kind `joints`; one scale for all."""
    top = joint_scale(data)
    return [(hand["method"], hand["colour"], _hand(hand["errors_mm"], hand["method"], top)) for hand in data["hands"]]


def draw_frame(frame: dict[str, Any], colour: str, *, video: bool) -> SafeString:
    """The square around a hand in a frame: the video where it may be shown, true joints in white, predicted ones in colour.

    The video is a link to the upload's own, which browsers show at the second that it names.

    Args:
        frame: of a panel of kind `failures`.
        colour: of the method.
        video: whether the video is shown.
    """
    points = [*frame["truth"], *frame["prediction"]] or [[0, 0], frame["size"]]
    xs, ys = zip(*points, strict=True)
    side = max(1.0, 1.3 * max(max(xs) - min(xs), max(ys) - min(ys)))
    left, top = (max(xs) + min(xs) - side) / 2, (max(ys) + min(ys) - side) / 2
    image = ""
    if video and frame["seconds"] is not None:
        width, height = frame["size"]
        place = f"left:{-100 * left / side:.2f}%;top:{-100 * top / side:.2f}%;width:{100 * width / side:.2f}%"
        address = reverse("upload-media", args=[frame["upload"], "web.mp4"])
        place += f";height:{100 * height / side:.2f}%"
        how = 'preload="metadata" muted playsinline tabindex="-1" aria-hidden="true"'
        image = f'<video src="{address}#t={frame["seconds"]:.4f}" style="{place}" {how}></video>'
    lines = "".join(
        f'<g fill="none" stroke="{ink}" stroke-width="{side * weight:.2f}">{_bones(joints)}</g>'
        for joints, ink, weight in ((frame["truth"], "#fff", 0.022), (frame["prediction"], escape(colour), 0.014))
        if joints
    )
    label = escape(f"{frame['side']} hand in frame {frame['frame']}, {frame['value']:.1f} mm")
    box = f"{left:.1f} {top:.1f} {side:.1f} {side:.1f}"
    drawn = f'<span class="thumbnail">{image}<svg viewBox="{box}" role="img" aria-label="{label}">{lines}</svg></span>'
    return mark_safe(drawn)  # noqa: S308 - numbers, an address of ours, and what was escaped above


def _bones(joints: Sequence[Sequence[int]]) -> str:
    """Each finger from the wrist to its tip."""
    chains = ([joints[0], *joints[1 + 4 * finger : 5 + 4 * finger]] for finger in range(5))
    return "".join(f'<polyline points="{" ".join(f"{int(x)},{int(y)}" for x, y in chain)}"/>' for chain in chains)


def joint_scale(data: dict[str, Any]) -> float:
    """The error (mm) at the end of the colour scale."""
    return round_up(max((e for hand in data["hands"] for e in hand["errors_mm"] if e is not None), default=1.0) or 1.0)


def viridis(share: float) -> str:
    """The colour of a share from 0 to 1."""
    return VIRIDIS[round(min(max(share, 0.0), 1.0) * (len(VIRIDIS) - 1))]


def _hand(errors: Sequence[float | None], method: str, top: float) -> SafeString:
    bones = []
    for finger in range(5):
        chain = [HAND[0], *HAND[1 + 4 * finger : 5 + 4 * finger]]
        points = " ".join(f"{x},{y}" for x, y in chain)
        bones.append(f'<polyline class="bone" points="{points}" fill="none"/>')
    marks = []
    for (x, y), name, error in zip(HAND, _NAMES, errors, strict=False):
        if error is None:
            continue
        share = error / top
        marks.append(
            f'<circle cx="{x}" cy="{y}" r="{3 + 5 * min(share, 1):.1f}" fill="{viridis(share)}">'
            f"<title>{name}: {error:.1f} mm</title></circle>"
        )
    values = [-1.0 if error is None else error for error in errors]
    worst = values.index(max(values))
    label = escape(f"{method}: error by joint, largest at the {_NAMES[worst]}, {max(values):.1f} mm")
    drawn = f'<svg class="hand-errors" viewBox="0 0 200 212" role="img" aria-label="{label}">{"".join(bones + marks)}</svg>'
    return mark_safe(drawn)  # noqa: S308 - every text in it was escaped above


def _axis(axis: dict[str, str], values: list[float]) -> Axis:
    unit = "" if axis["unit"] == "1" else f" ({axis['unit']})"
    return Axis(f"{axis['title']}{unit}", 0.0, round_up(max(values, default=1.0) or 1.0))
