"""Settings that cannot be used are one clear sentence each, before anything is done."""

from __future__ import annotations

from pathlib import Path

import pytest

from dedup.errors import ConfigError
from dedup.settings import load_settings


def test_a_setting_that_the_file_leaves_out_has_its_default(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("[nightly]\n")
    settings = load_settings(tmp_path)

    assert settings.count("nightly", "fresh_days", 7) == 7
    assert settings.share("linkage", "group_threshold", 0.5) == 0.5


@pytest.mark.parametrize("said", ['"seven"', "-1", "7.5", "true", "[7]"])
def test_a_number_that_is_none_is_named(tmp_path: Path, said: str) -> None:
    (tmp_path / "settings.toml").write_text(f"[nightly]\nfresh_days = {said}\n")
    with pytest.raises(ConfigError) as fault:
        load_settings(tmp_path).count("nightly", "fresh_days", 7)

    assert fault.value.code == "config.setting"
    assert fault.value.message == "[nightly] fresh_days in settings.toml must be a whole number from 0."


@pytest.mark.parametrize("said", ['"high"', "-0.1", "1.5", "nan", "true"])
def test_a_share_that_is_none_is_named(tmp_path: Path, said: str) -> None:
    (tmp_path / "settings.toml").write_text(f"[linkage]\ngroup_threshold = {said}\n")
    with pytest.raises(ConfigError) as fault:
        load_settings(tmp_path).share("linkage", "group_threshold", 0.5)

    assert fault.value.code == "config.setting"


@pytest.mark.parametrize("text", ["store = 3\n", "[nightly\n"])
def test_a_file_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "settings.toml").write_text(text)
    with pytest.raises(ConfigError) as fault:
        load_settings(tmp_path)

    assert fault.value.code == "config.malformed"
