"""``--output`` takes a file; the name of a format there is a slip."""

import pytest
from click.testing import CliRunner

from toolkit.cli.app import cli


@pytest.mark.parametrize("words", [["diff", "--base", "x"], ["lineage"], ["lint"]])
def test_a_format_is_no_file(words: list[str]) -> None:
    done = CliRunner().invoke(cli, [*words, "--output", "json"])
    assert done.exit_code == 2
    assert "--format json" in done.output
