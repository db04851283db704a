"""docs/airbyte.md against the code: its example is read, every problem's code is explained."""

import re
from pathlib import Path

from toolkit.integrations.airbyte.mappers import Hashing
from toolkit.integrations.airbyte.readers import read_connections

REPOSITORY = Path(__file__).parents[3]
PAGE = (REPOSITORY / "docs" / "airbyte.md").read_text(encoding="utf-8")
CODE = re.compile(
    r'code="([a-z-]+)"|^\s*(?:return|problem\()\s*"([a-z]+(?:-[a-z]+)+)",', re.MULTILINE
)


def test_the_example_is_a_connection(tmp_path: Path) -> None:
    (example,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "shop.yml").write_text(example)
    (connection,) = read_connections([tmp_path]).connections
    (stream,) = connection.streams
    assert stream.mappers == (
        Hashing(target_field="email", method="SHA-256", field_name_suffix="_hashed"),
    )


def test_every_problem_is_explained() -> None:
    sources = (REPOSITORY / "toolkit" / "integrations" / "airbyte").rglob("*.py")
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    codes = {first or second for first, second in CODE.findall(text)}
    codes |= set(re.findall(r'problem\("([a-z-]+)"', text))
    assert {"mapper-unknown", "mapper-invalid", "column-not-landed", "shared-table"} <= codes
    pages = PAGE + (REPOSITORY / "docs" / "airbyte-remote.md").read_text(encoding="utf-8")
    assert {code for code in codes if f"`{code}`" not in pages} == set()
