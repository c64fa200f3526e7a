"""The command `palmares`: what it prints, and its exit codes."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from ml.formats.orders import TO_OPENPOSE
from palmares_client.command import main
from tests.client.conftest import ID, TOKEN
from tests.predictions import hands, moved, npz, zipped

TRUTH = hands(6, seed=1)


@pytest.fixture
def signed_in(scripted_server, monkeypatch):
    monkeypatch.setenv("PALMARES_SERVER", scripted_server.url)
    monkeypatch.setenv("PALMARES_TOKEN", TOKEN)
    return scripted_server


@pytest.fixture
def prediction(tmp_path):
    path = tmp_path / "pred.npz"
    path.write_bytes(npz(moved(TRUTH, 10)))
    return path


def output(capfd) -> tuple[str, str]:
    out, err = capfd.readouterr()
    return out, err


def test_login_keeps_a_good_token(scripted_server, config, capfd):
    assert main(["login", "--server", scripted_server.url, "--token", TOKEN]) == 0
    assert "a@example.org (Ours)" in output(capfd)[0]
    assert json.loads((config / "account.json").read_text()) == {"server": scripted_server.url, "token": TOKEN}
    assert main(["benchmarks"]) == 0, "from now on without saying where"
    assert "synth" in output(capfd)[0]


def test_login_keeps_no_bad_token(scripted_server, config, capfd):
    assert main(["login", "--server", scripted_server.url, "--token", "wrong"]) == 3
    assert not config.exists()


def test_submit_and_see_the_board(signed_in, prediction, capfd):
    assert main(["submit", "-b", "synth", "-m", "m", str(prediction), "--public", "--team", "Ours", "--wait", "--board"]) == 0
    out, err = output(capfd)
    assert f"{ID} succeeded" in out
    assert "pa_mpjpe" in out
    assert "6.2500  mm" in out
    assert "6.0000 – 6.5000" in out
    assert err.splitlines() == ["queued, place 2", "running: scoring", "succeeded"]
    (form,) = [form for method, _, _, form in signed_in.requests if method == "POST"]
    assert form["is_public"] == [b"true"]
    assert form["team"] == [b"t1"]


def test_submitting_for_another_team_is_refused(signed_in, prediction, capfd):
    assert main(["submit", "-b", "synth", "-m", "m", str(prediction), "--team", "Theirs"]) == 1
    assert 'your teams are "Ours" (t1)' in output(capfd)[1]


def test_a_server_that_becomes_unreachable_while_waiting_is_reported(signed_in, capfd):
    signed_in.way = signed_in.way[:1]
    signed_in.trouble = [(), *[None] * 4]
    assert main(["wait", ID]) == 4
    assert f"`palmares wait {ID}` continues to follow it" in output(capfd)[1]


def test_submit_for_a_script(signed_in, prediction, capfd):
    assert main(["submit", "-b", "synth", "-m", "m", str(prediction), "--wait", "--json", "--quiet"]) == 0
    out, err = output(capfd)
    assert json.loads(out)["scores"]["figures"]["pa_mpjpe"] == 6.25
    assert err == ""


def test_a_file_in_the_wrong_unit_is_not_sent(signed_in, tmp_path, capfd):
    path = tmp_path / "millimetres.npz"
    path.write_bytes(npz(replace(TRUTH, joints=TRUTH.joints * np.float32(1000))))
    assert main(["submit", "-b", "synth", "-m", "m", str(path)]) == 1
    assert "the file is in millimetres, expected metres" in output(capfd)[1]
    assert not [method for method, *_ in signed_in.requests if method == "POST"]


def test_exit_codes(signed_in, scripted_server, prediction, tmp_path, capfd, monkeypatch):
    submit = ["submit", "-b", "synth", "-m", "m"]
    broken = tmp_path / "broken.npz"
    broken.write_bytes(b"\x80\x04pickle")
    assert main([*submit, str(broken)]) == 1
    assert "a pickle, which is never loaded" in output(capfd)[1]
    assert main([*submit, str(tmp_path / "none.npz")]) == 1
    with pytest.raises(SystemExit) as raised:
        main(["submit", str(prediction)])
    assert raised.value.code == 2
    scripted_server.way = [{**scripted_server.way[0], "status": "failed", "error": "The worker was lost three times."}]
    assert main(["wait", ID]) == 5
    assert "lost three times" in output(capfd)[1]
    scripted_server.trouble = [None] * 4
    assert main(["benchmarks"]) == 4
    monkeypatch.setenv("PALMARES_TOKEN", "wrong")
    assert main(["scores"]) == 3


def test_scores_of_the_users_teams(signed_in, capfd):
    signed_in.way = signed_in.way[-1:]
    assert main(["scores", "--benchmark", "synth"]) == 0
    out, _ = output(capfd)
    assert "6.2500" in out
    assert "pa_mpjpe (mm)" in out
    assert main(["scores", "--json"]) == 0
    (row,) = json.loads(output(capfd)[0])
    assert row["scores"]["figures"]["pa_auc_joints"] == 0.875


def test_check_needs_no_server(prediction, tmp_path, capfd):
    assert main(["check", "--protocol", "palmares", str(prediction)]) == 0
    assert "no problems found" in output(capfd)[0]
    rest = TRUTH.joints[:, np.argsort(TO_OPENPOSE["mano"])] * 1000
    path = tmp_path / "pred.txt"
    path.write_text("\n".join(f"{i} " + " ".join(f"{v:.4f}" for v in row.ravel()) for i, row in enumerate(rest)))
    assert main(["check", "--protocol", "dexycb", "--json", str(path)]) == 0
    (finding,) = json.loads(output(capfd)[0])
    assert finding["message"].startswith("joints look like mano order")


def test_check_against_a_ground_truth(prediction, tmp_path, capfd):
    truth = tmp_path / "truth.zip"
    truth.write_bytes(zipped(one=TRUTH))
    few = tmp_path / "few.npz"
    few.write_bytes(npz(TRUTH.rows(np.arange(3))))
    assert main(["check", "--protocol", "palmares", "--truth", str(truth), str(few)]) == 0
    assert "3 of 6 hands of the truth are answered" in output(capfd)[1]


def test_score_is_the_offline_scorer(prediction, tmp_path, capfd):
    truth = tmp_path / "truth.npz"
    truth.write_bytes(npz(TRUTH))
    assert main(["score", "--protocol", "palmares", str(truth), str(prediction), "--json"]) == 0
    scored = json.loads(output(capfd)[0])
    assert scored["metrics"]["mpjpe"] == pytest.approx(10, abs=1e-3)
    assert main(["score", "--protocol", "palmares", str(truth), str(tmp_path / "none.npz")]) == 1


def test_control_characters_in_server_text_are_not_printed(signed_in, capfd):
    signed_in.way = [{**signed_in.way[-1], "method": "\x1b[2Jm"}]
    assert main(["scores"]) == 0
    assert "\x1b" not in output(capfd)[0]
