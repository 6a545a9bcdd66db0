"""What changes on the disk is noticed while the daemon runs."""

from __future__ import annotations

import asyncio
import os
import shutil

import pytest

from remapd.control.bulletin import Bulletin
from remapd.control.store.library import Library
from remapd.control.store.library_watch import LibraryWatch
from remapd.mapping.bundle import model_bytes
from remapd.synth.presets import default_preset, save_preset
from tests.models import make_model

CONTENT = model_bytes(make_model())


def _watched(own, scenario):
    """Run a scenario with a watched library and a function that awaits the next news."""

    async def run():
        library, bulletin, news = Library(own), Bulletin(), asyncio.Queue()
        bulletin.subscribe(lambda kind, data: news.put_nowait((kind, data["kind"], data["name"], data["what"])))
        watch = LibraryWatch(library, bulletin)
        await watch.start()
        try:
            await asyncio.wait_for(scenario(library, news.get), 30.0)
        finally:
            await watch.stop()
            await watch.stop()

    asyncio.run(run())


def test_files_that_come_change_and_go_are_told_of(tmp_path):
    async def scenario(library, news):
        await asyncio.to_thread(library.put_model, "stored", CONTENT)
        assert await news() == ("library", "model", "stored", "added")
        save_preset(default_preset(), library.own / "presets" / "copied.json")
        assert await news() == ("library", "preset", "copied", "added")
        save_preset(default_preset("kick808"), library.own / "presets" / "copied.json")
        assert await news() == ("library", "preset", "copied", "changed")
        assert library.preset("copied").synth == "kick808"
        (library.own / "presets" / "copied.json").unlink()
        assert await news() == ("library", "preset", "copied", "removed")

    _watched(tmp_path / "models", scenario)


def test_a_model_that_is_cut_in_half_is_told_of_and_the_loaded_one_stays(tmp_path):
    async def scenario(library, news):
        await asyncio.to_thread(library.put_model, "mine", CONTENT)
        assert await news() == ("library", "model", "mine", "added")
        before = library.model("mine")
        os.truncate(library.model_entry("mine").path, len(CONTENT) // 2)
        assert await news() == ("library", "model", "mine", "damaged")
        assert before.describe()["name"] == "a model"
        (library.own / "mine.safetensors").write_bytes(CONTENT)
        assert await news() == ("library", "model", "mine", "changed")

    _watched(tmp_path / "models", scenario)


def test_a_folder_that_goes_and_comes_back_is_still_watched(tmp_path):
    async def scenario(library, news):
        await asyncio.to_thread(library.put_model, "mine", CONTENT)
        assert await news() == ("library", "model", "mine", "added")
        shutil.rmtree(library.own)
        assert await news() == ("library", "model", "mine", "removed")
        await asyncio.to_thread(library.put_model, "mine", CONTENT)
        assert await news() == ("library", "model", "mine", "added")

    _watched(tmp_path / "models", scenario)


def test_a_folder_that_cannot_be_had_does_not_end_the_watching(tmp_path):
    (tmp_path / "file").touch()

    async def scenario(library, news):
        (tmp_path / "file").unlink()
        await asyncio.to_thread(library.put_model, "mine", CONTENT)
        assert await news() == ("library", "model", "mine", "added")

    _watched(tmp_path / "file" / "models", scenario)


def test_a_reader_is_told_before_the_news(tmp_path):
    async def run():
        library, bulletin, order = Library(tmp_path / "models"), Bulletin(), asyncio.Queue()
        bulletin.subscribe(lambda kind, data: order.put_nowait("news"))
        watch = LibraryWatch(library, bulletin, lambda changes: order.put_nowait([c.name for c in changes]))
        await watch.start()
        await asyncio.to_thread(library.put_model, "mine", CONTENT)
        assert await asyncio.wait_for(order.get(), 30.0) == ["mine"]
        assert await asyncio.wait_for(order.get(), 30.0) == "news"
        await watch.stop()
        await asyncio.to_thread(library.delete_model, "mine")
        assert order.empty()

    asyncio.run(run())


@pytest.mark.parametrize("turns", [3])
def test_it_can_be_started_again(tmp_path, turns):
    async def run():
        watch = LibraryWatch(Library(tmp_path / "models"), Bulletin())
        for _ in range(turns):
            await watch.start()
            await watch.stop()

    asyncio.run(run())
