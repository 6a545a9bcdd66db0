from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from remapd.offline.outputs import OutputError, OutputGroup


def write_all(paths: list[Path], sources: list[Path] | None = None, content: str = "new") -> None:
    with OutputGroup(sources or []) as group:
        for path in [group.add(path) for path in paths]:
            path.write_text(content)
        group.commit()


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_files_appear_together_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("old")
    with OutputGroup() as group:
        for path in (group.add(tmp_path / "a.wav"), group.add(tmp_path / "b")):
            assert path.suffix in (".wav", "")
            path.write_text("new")
        assert (tmp_path / "b").read_text() == "old"
        assert not (tmp_path / "a.wav").exists()
        group.commit()
    assert names(tmp_path) == {"a.wav", "b"}
    assert (tmp_path / "b").read_text() == "new"


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, SystemExit])
def test_nothing_is_left_behind(tmp_path: Path, error: type[BaseException]) -> None:
    (tmp_path / "a").write_text("old")

    def break_off() -> None:
        with OutputGroup() as group:
            for name in "ab":
                group.add(tmp_path / name).write_text("half")
            raise error

    with pytest.raises(error):
        break_off()
    assert names(tmp_path) == {"a"}
    assert (tmp_path / "a").read_text() == "old"


def test_move_that_fails_takes_back_those_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_text("old")
    real = os.replace

    def replace(source: Path, target: Path) -> None:
        if Path(target).name == "c":
            raise PermissionError(1, "not permitted")
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(OutputError, match="c: cannot be replaced"):
        write_all([tmp_path / "a", tmp_path / "b", tmp_path / "c"])
    assert names(tmp_path) == {"a"}
    assert (tmp_path / "a").read_text() == "old"


def test_input_is_no_output(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.write_text("in")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(source)
    for path in (source, tmp_path / "folder" / ".." / "in", tmp_path / "link"):
        with pytest.raises(OutputError, match="is the input"):
            write_all([path], [source])
    assert source.read_text() == "in"


def test_two_outputs_do_not_share_a_name(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="two outputs"):
        write_all([tmp_path / "a", tmp_path / "." / "a"])
    assert names(tmp_path) == set()


def test_what_cannot_be_written_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").touch()
    for name, words in (
        ("folder", "is a folder"),
        ("nowhere/a", "no folder"),
        ("file/a", "no folder"),
        ("pipe", "no regular file"),
    ):
        with pytest.raises(OutputError, match=words):
            write_all([tmp_path / name])
    assert names(tmp_path) == {"folder", "pipe", "file"}


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permissions do not bind this user")
def test_write_protection_is_heeded(tmp_path: Path) -> None:
    (tmp_path / "a").touch(0o444)
    with pytest.raises(OutputError, match="write-protected"):
        write_all([tmp_path / "a"])
    tmp_path.chmod(0o555)
    with pytest.raises(OutputError, match="cannot be written"):
        write_all([tmp_path / "b"])


def test_permissions_are_the_usual_ones_or_those_of_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "reference").touch()
    (tmp_path / "a").touch()
    (tmp_path / "a").chmod(0o640)
    write_all([tmp_path / "a", tmp_path / "b"])
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640
    assert (tmp_path / "b").stat().st_mode == (tmp_path / "reference").stat().st_mode


def test_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("old")
    (tmp_path / "link").symlink_to("target")
    write_all([tmp_path / "link"])
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "new"
