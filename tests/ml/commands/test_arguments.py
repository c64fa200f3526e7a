"""Invalid arguments are refused with a message, before any work begins."""

from __future__ import annotations

import os

import pytest

from ml.commands import estimate, score
from ml.commands.arguments import check_writable
from tests.predictions import hands, moved, npz


@pytest.fixture
def image(tmp_path):
    """An input of `estimate` that no method can read: whatever is said of it is said after the arguments were checked."""
    path = tmp_path / "hand.mp4"
    path.write_bytes(b"not a video")
    return path


@pytest.mark.parametrize("value", ["0", "-5", "nan", "inf", "-inf", "1e9", "12px", ""])
def test_a_focal_length_that_no_camera_has(image, tmp_path, capsys, value):
    arguments = [str(image), "--method", "2d-fit", "--out", str(tmp_path / "o.npz"), f"--focal={value}"]
    with pytest.raises(SystemExit, match="2"):
        estimate.main(arguments)
    assert "argument --focal:" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "many", "²"])
@pytest.mark.parametrize("option", ["--max-hands", "--limit"])
def test_a_count_that_is_not_a_whole_number_above_0(image, tmp_path, capsys, option, value):
    command, arguments = estimate, [str(image), "--method", "2d-fit", "--out", str(tmp_path / "o.npz")]
    if option == "--limit":
        command, arguments = score, ["--protocol", "palmares", str(image), str(image)]
    with pytest.raises(SystemExit, match="2"):
        command.main([*arguments, f"{option}={value}"])
    assert f"argument {option}: {value!r}, expected a whole number above 0" in capsys.readouterr().err


@pytest.fixture
def outputs(tmp_path):
    """Paths that cannot be written, with the words that say why."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("kept")
    found = {
        tmp_path / "folder": "is a folder, expected the name of a file in it",
        tmp_path / "file" / "out.npz": f"cannot be written: {tmp_path / 'file'} is a file, expected a folder",
        tmp_path / "file" / "deeper" / "out.npz": f"cannot be written: {tmp_path / 'file'} is a file, expected a folder",
    }
    if os.geteuid():
        (tmp_path / "locked").mkdir(mode=0o500)
        found[tmp_path / "locked" / "out.npz"] = "cannot be written: Permission denied"
    return found


def test_an_output_of_estimate_that_cannot_be_written_is_refused_before_the_run(outputs, image, capsys):
    for path, reason in outputs.items():
        assert estimate.main([str(image), "--method", "2d-fit", "--out", str(path)]) == 2
        error = capsys.readouterr().err
        assert f"estimate: {path} {reason}" in error
        assert "hand.mp4" not in error, "the input was read first"


def test_an_output_of_score_that_cannot_be_written_is_refused_before_the_run(outputs, tmp_path, capsys):
    (tmp_path / "pred.npz").write_bytes(b"not a prediction")
    for path, reason in outputs.items():
        arguments = [str(tmp_path / "pred.npz"), str(tmp_path / "pred.npz"), "--protocol", "palmares", "--per-frame", str(path)]
        assert score.main(arguments) == 2
        assert f"score: {path} {reason}" in capsys.readouterr().err


def test_an_input_is_not_overwritten(image, tmp_path, capsys):
    assert estimate.main([str(image), "--method", "2d-fit", "--out", str(image)]) == 2
    assert "is the input and would be overwritten" in capsys.readouterr().err
    assert image.read_bytes() == b"not a video"
    prediction = tmp_path / "pred.npz"
    prediction.write_bytes(npz(moved(hands(4), 5)))
    content = prediction.read_bytes()
    arguments = [str(prediction), str(prediction), "--protocol", "palmares", "--per-frame", str(prediction)]
    assert score.main(arguments) == 2
    assert prediction.read_bytes() == content


def test_checking_that_a_path_is_writable_creates_and_changes_no_file(tmp_path):
    (tmp_path / "there").write_text("content")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name in ("there", "new", "deep/er/new", "link"):
        check_writable(tmp_path / name)
    assert (tmp_path / "there").read_text() == "content"
    assert (tmp_path / "link").is_symlink()
    assert not (tmp_path / "new").exists()
    assert (tmp_path / "deep/er").is_dir()


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("betas.txt", b"\x80\x04 not numbers", "cannot be read as ten numbers"),
        ("betas.npy", b"\x80\x04 not numbers", "cannot be read as ten numbers"),
        ("betas.npy", b"\x93NUMPY\x01\x00\x14\x00{'descr': '<f4', (    \n", "cannot be read as ten numbers"),
        ("betas.txt", b"1 2 3", "holds an array of shape [3], expected 10 finite numbers"),
        ("betas.txt", b"1 2 3 4 5 6 7 8 9 nan", "expected 10 finite numbers"),
    ],
)
def test_a_shape_that_is_not_ten_numbers(image, tmp_path, capsys, name, content, reason):
    (tmp_path / name).write_bytes(content)
    arguments = [str(image), "--method", "2d-fit", "--out", str(tmp_path / "o.npz"), "--betas", str(tmp_path / name)]
    assert estimate.main(arguments) == 2
    error = capsys.readouterr().err
    assert name in error
    assert reason in error
