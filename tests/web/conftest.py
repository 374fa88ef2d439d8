"""One house for the tests that change nothing, and one of its own for each that does."""

import shutil
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from .world import World, world


@pytest.fixture(scope="session")
def made_world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return world(tmp_path_factory.mktemp("house"))


@pytest.fixture(scope="session")
def made_app(made_world: World) -> Flask:
    return made_world.app()


@pytest.fixture
def home(made_world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The house that nobody changes."""
    monkeypatch.setenv("CRYPTOBT_HOME", str(made_world.home))
    return made_world


@pytest.fixture
def own(made_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A copy of it, to be changed."""
    folder = tmp_path / "house"
    shutil.copytree(made_world.home.parent, folder)
    monkeypatch.setenv("CRYPTOBT_HOME", str(folder / "home"))
    return World(folder / "home", folder / "runs", made_world.files)


@pytest.fixture
def runs(made_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A copy of its runs alone, to be changed: no account has to be replayed."""
    shutil.copytree(made_world.out, tmp_path / "house" / "runs")
    home = tmp_path / "house" / "home"
    monkeypatch.setenv("CRYPTOBT_HOME", str(home))
    return World(home, tmp_path / "house" / "runs", made_world.files)


@pytest.fixture
def client(home: World, made_app: Flask) -> FlaskClient:
    return made_app.test_client()
