"""Random projects of source tables and SQL models, and what people do to them."""

import copy
import importlib.util
import random
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROWS = 12


def _load(name: str) -> Any:
    """A file beside this one; tests are no packages."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


models = _load("sql_models")
ONE, TWO, Table = models.ONE, models.TWO, models.Table
Built, Check, Model = models.Built, models.Check, models.Model


class World:
    """Source tables and models, and what people do to them. All names are ``raw.x`` or ``main.x``.

    Attributes:
        models: in an order in which they can be built.
        shapes: columns of every relation, as far as it could be built last.
    """

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.sources: dict[str, Table] = {}
        self.models: list[Any] = []
        self.checks: dict[str, Any] = {}
        self.shapes: dict[str, dict[str, str]] = {}
        self.number = 0
        for name in ("raw.s1", "raw.s2", "raw.s3")[: rng.randint(2, 3)]:
            self.sources[name] = self._source()
        built = Built(self)
        self.shapes = built.shapes
        for place in range(rng.randint(5, 12)):
            model = self.model(place)
            self.models.append(model)
            built.add(model)
            if self.chance(0.2):
                self.edit_check()
        built.connection.close()

    def copy(self) -> "World":
        """For reverting; without the random numbers, which go on."""
        other = copy.copy(self)
        kept = copy.deepcopy((self.sources, self.models, self.checks))
        other.sources, other.models, other.checks = kept
        return other

    def revert(self, before: "World") -> None:
        """Go back to how it was."""
        kept = before.copy()
        self.sources, self.models, self.checks = kept.sources, kept.models, kept.checks

    # --- how it is made from nothing -------------------------------------------------------

    def refresh(self) -> "Built":
        """What a build of everything gives, in a fresh database."""
        built = Built(self)
        built.connection.close()
        self.shapes = built.shapes
        return built

    # --- random things -----------------------------------------------------------------------

    def _source(self) -> Table:
        kinds = {"id": "INTEGER", "k": "INTEGER", "a": "INTEGER", "b": "INTEGER", "c": "INTEGER",
                 "d": "INTEGER", "e": "INTEGER", "t": "VARCHAR", "u": "VARCHAR"}  # fmt: skip
        return {name: (kind, self.values(kind)) for name, kind in kinds.items()}

    def values(self, kind: str) -> list[Any]:
        """A column of a source."""
        numbers = [self.rng.choice([None, 0, 1, 1, 2, 3, 4]) for _ in range(ROWS)]
        return [None if n is None else f"v{n}" for n in numbers] if kind == "VARCHAR" else numbers

    def name(self, prefix: str) -> str:
        """A new name."""
        self.number += 1
        return f"{prefix}{self.number}"

    def model(self, position: int) -> Model:
        """A new model that reads what is before ``position``."""
        above = [*self.sources, *(model.name for model in self.models[:position])]
        above = [name for name in above if self.shapes.get(name)] or [*self.sources]
        recent = [*above[-4:], *self.sources]
        form = self.rng.choice([*ONE, *ONE, *TWO])
        parents = [self.rng.choice(recent) for _ in range(2 if form in TWO else 1)]
        kind = self.rng.choice(["table", "table", "table", "view", "view", "merge", "ephemeral"])
        if kind == "merge" and not parents[0].startswith("raw."):
            kind = "table"
        if kind == "merge":
            form = "plain"
        model = Model(self.name("main.m"), kind, form, parents[: 2 if form in TWO else 1])
        self.fill(model)
        return model

    def fill(self, model: Model) -> None:
        """Give a model columns that its parents have."""
        columns = self.columns(model)
        picked = self.rng.sample(columns, min(len(columns), self.rng.choice([2, 3, 5, 6])))
        model.items = [(self.expression(model, column), column) for column in picked]
        if model.kind == "merge":
            model.items = [("p.id", "id"), *[i for i in model.items if i[1] != "id"]]
        model.keys = [self.number_of(model, 0), self.number_of(model, -1)]
        model.where = f"p.{self.rng.choice(columns)} is not null" if self.chance(0.3) else ""

    def chance(self, share: float) -> bool:
        """Yes in so many cases."""
        return self.rng.random() < share

    def columns(self, model: Model) -> list[str]:
        """Columns that all parents of a model have, or the first one has."""
        shapes = [self.shapes.get(parent, {}) for parent in model.parents]
        shared = [c for c in shapes[0] if all(c in shape for shape in shapes)]
        only_shared = model.form in ("union", "stars_united")
        return (shared if only_shared else [*shapes[0]]) or ["id"]

    def number_of(self, model: Model, parent: int) -> str:
        """A column of numbers of one parent."""
        shape = self.shapes.get(model.parents[parent], {})
        numbers = [column for column, kind in shape.items() if kind != "VARCHAR"]
        return self.rng.choice(numbers) if numbers else "id"

    def expression(self, model: Model, column: str) -> str:
        """Something that is made of a column, and perhaps of another."""
        shape = self.shapes.get(model.parents[0], {})
        if self.chance(0.5):
            return f"p.{column}"
        if shape.get(column) == "VARCHAR":
            return self.rng.choice(
                [f"upper(p.{column})", f"p.{column} || '!'", f"coalesce(p.{column}, 'none')"]
            )
        other = self.number_of(model, 0)
        if model.form in ("union", "stars_united"):
            other = column
        number = self.rng.randint(1, 4)
        return self.rng.choice(
            [
                f"p.{column} + {number}",
                f"coalesce(p.{column}, p.{other})",
                f"case when p.{other} > {number} then p.{column} else 0 end",
                f"greatest(p.{column}, {number})",
            ]
        )

    # --- edits ----------------------------------------------------------------------------------

    def edit(self) -> str:
        """Change something; says what."""
        edits: list[Callable[[], str]] = [
            self.edit_expression, self.edit_expression, self.add_column, self.drop_column,
            self.rename_column, self.edit_filter, self.edit_comment, self.edit_comment,
            self.edit_rows, self.edit_rows, self.edit_values, self.edit_values, self.edit_values,
            self.swap_rows, self.edit_source, self.edit_source, self.rename_model, self.edit_kind,
            self.break_model, self.new_model, self.drop_model, self.same_again,
            self.edit_check, self.edit_unread, self.edit_unread, self.edit_unread,
        ]  # fmt: skip
        return self.rng.choice(edits)()

    def any_model(self) -> Model:
        """One of them."""
        return self.rng.choice(self.models)

    def edit_expression(self) -> str:
        """Another expression under the same name."""
        model = self.any_model()
        place = self.rng.randrange(len(model.items))
        alias = model.items[place][1]
        if model.kind == "merge" and alias == "id":
            return "nothing"
        expression = self.expression(model, self.rng.choice(self.columns(model)))
        model.items[place] = (expression, alias)
        return f"{model.name}: {alias} is now {expression}"

    def edit_unread(self) -> str:
        """Other values in a column that some model does not name that reads it; or a new one."""
        readers = [(model, parent) for model in self.models for parent in model.parents]
        made = {model.name: model for model in self.models if model.kind != "merge"}
        pairs = [(reader, made[parent]) for reader, parent in readers if parent in made]
        if not pairs:
            return "nothing"
        reader, model = self.rng.choice(pairs)
        words = set(re.findall(r"\w+", reader.sql()))
        places = [i for i, (_, alias) in enumerate(model.items) if alias not in words]
        if not places or self.chance(0.2):
            name = self.name("n")
            model.items.append((self.expression(model, self.rng.choice(self.columns(model))), name))
            return f"{model.name}: one more column {name}"
        place = self.rng.choice(places)
        alias = model.items[place][1]
        expression = self.expression(model, self.rng.choice(self.columns(model)))
        model.items[place] = (expression, alias)
        return f"{model.name}: {alias}, which {reader.name} does not name, is {expression}"

    def same_again(self) -> str:
        """Another expression that gives the same."""
        model = self.any_model()
        expression, alias = self.rng.choice(model.items)
        model.items[model.items.index((expression, alias))] = (f"coalesce({expression})", alias)
        return f"{model.name}: {alias} is written in another way"

    def add_column(self) -> str:
        """One more column, at the end or the front; its name may be one that others have."""
        model = self.any_model()
        name = self.rng.choice([self.name("n"), *("id", "k", "a", "b", "c", "t", "u", "n", "s")])
        if any(alias == name for _, alias in model.items) or model.kind == "merge":
            return "nothing"
        item = (self.expression(model, self.rng.choice(self.columns(model))), name)
        model.items.insert(self.rng.choice([0, len(model.items)]), item)
        return f"{model.name}: one more column {name}"

    def drop_column(self) -> str:
        """One column less."""
        model = self.any_model()
        if len(model.items) < 2 or model.kind == "merge":
            return "nothing"
        _, alias = model.items.pop(self.rng.randrange(len(model.items)))
        return f"{model.name}: no column {alias} any more"

    def rename_column(self) -> str:
        """Another name for the same."""
        model = self.any_model()
        if model.kind == "merge":
            return "nothing"
        place = self.rng.randrange(len(model.items))
        expression, alias = model.items[place]
        names = {alias for _, alias in model.items}
        new = self.rng.choice([self.name("n"), "a", "b", "c"])
        if new in names:
            return "nothing"
        model.items[place] = (expression, new)
        return f"{model.name}: {alias} is called {new}"

    def edit_filter(self) -> str:
        """Other rows."""
        model = self.any_model()
        pick = self.rng.choice(self.columns(model))
        if self.shapes.get(model.parents[0], {}).get(pick) == "VARCHAR":
            model.where = self.rng.choice(["", f"p.{pick} <> 'v1'"])
        else:
            model.where = self.rng.choice(["", f"p.{pick} > {self.rng.randint(0, 3)}"])
        return f"{model.name}: where {model.where}"

    def edit_comment(self) -> str:
        """Nothing that counts."""
        model = self.any_model()
        model.comment = self.rng.choice(["", "a remark", "another; remark", "select 1"])
        model.spaced = self.chance(0.5)
        return f"{model.name}: only its looks"

    def edit_kind(self) -> str:
        """A table becomes a view, or the other way round."""
        model = self.any_model()
        if model.kind == "merge":
            return "nothing"
        model.kind = self.rng.choice(["view", "table", "ephemeral"])
        if model.kind == "ephemeral":
            self.checks.pop(model.name, None)
        return f"{model.name}: a {model.kind} now"

    def rename_model(self) -> str:
        """Another name; all who read it follow."""
        model = self.any_model()
        old, model.name = model.name, self._free_name()
        if old in self.checks:
            self.checks[model.name] = self.checks.pop(old)
        for other in self.models:
            other.parents = [model.name if name == old else name for name in other.parents]
        return f"{old} is called {model.name}"

    def _free_name(self) -> str:
        """A new name, or one that was used before: what it stood for may still be there."""
        taken = {model.name for model in self.models}
        gone = [name for name in self.shapes if name.startswith("main.") and name not in taken]
        gone += [f"main.m{number}" for number in range(1, 4) if f"main.m{number}" not in taken]
        return self.rng.choice(gone) if gone and self.chance(0.5) else self.name("main.m")

    def new_model(self) -> str:
        """One more, somewhere; perhaps read by others instead of what they read."""
        if len(self.models) > 12:
            return self.drop_model()
        position = self.rng.randint(0, len(self.models))
        model = self.model(position)
        self.models.insert(position, model)
        return f"{model.name} is new: {model.sql()}"

    def drop_model(self) -> str:
        """One that nobody reads."""
        read = {parent for model in self.models for parent in model.parents}
        unread = [model for model in self.models if model.name not in read]
        if len(self.models) < 4 or not unread:
            return "nothing"
        model = self.rng.choice(unread)
        self.models.remove(model)
        self.checks.pop(model.name, None)
        return f"{model.name} is gone"

    def break_model(self) -> str:
        """A mistake, to be mended later."""
        model = self.any_model()
        alias = model.items[-1][1]
        wrong = self.rng.choice(["p.no_such_column", "cast('x' || p.id as integer)", "p.t + 1)"])
        if model.kind == "merge":
            return "nothing"
        model.items[-1] = (wrong, alias)
        return f"{model.name}: {alias} is {wrong}"

    def mend(self, name: str) -> str:
        """Give a model that cannot be built columns that are there."""
        model = next(model for model in self.models if model.name == name)
        model.parents = [p if self.shapes.get(p) else "raw.s1" for p in model.parents]
        if model.kind == "merge":
            model.parents = ["raw.s1"]
        self.fill(model)
        return f"{model.name} is mended"

    def edit_check(self) -> str:
        """A check comes, goes or looks for something else."""
        model = self.any_model()
        if model.kind == "ephemeral" or (model.name in self.checks and self.chance(0.4)):
            self.checks.pop(model.name, None)
            return f"{model.name}: no check"
        column = self.rng.choice([alias for _, alias in model.items])
        condition = self.rng.choice([f"p.{column} is null", "p.id > 3", f"p.{column} in ('v1', 4)"])
        condition = self.rng.choice([condition, "1 = 0", f"p.{column} is null and 1 = 0"])
        self.checks[model.name] = Check(condition, self.rng.choice(["error", "error", "warn"]))
        return f"{model.name}: check {condition} ({self.checks[model.name].severity})"

    def any_source(self) -> tuple[str, Table]:
        """One of them."""
        name = self.rng.choice([*self.sources])
        return name, self.sources[name]

    def edit_values(self) -> str:
        """Other values in one column of a source."""
        name, table = self.any_source()
        column = self.rng.choice([*table])
        kind, old = table[column]
        new = self.values(kind)
        new = new[: len(old)] + old[len(new) :]
        if column == "id" and name.endswith("1"):
            return "nothing"
        table[column] = (kind, new)
        return f"{name}.{column} has other values"

    def swap_rows(self) -> str:
        """The same rows in another order."""
        name, table = self.any_source()
        order = [*range(len(next(iter(table.values()))[1]))]
        self.rng.shuffle(order)
        for column, (kind, old) in table.items():
            table[column] = (kind, [old[place] for place in order])
        return f"{name} has the same rows in another order"

    def edit_rows(self) -> str:
        """A row more, or one less."""
        name, table = self.any_source()
        rows = len(next(iter(table.values()))[1])
        if self.chance(0.5) and rows > 5:
            place = self.rng.randrange(rows)
            for column, (kind, old) in table.items():
                table[column] = (kind, old[:place] + old[place + 1 :])
            return f"{name} has a row less"
        for column, (kind, old) in table.items():
            table[column] = (kind, [*old, self.values(kind)[0]])
        return f"{name} has a row more"

    def edit_source(self) -> str:
        """A column of a source comes, goes, moves or gets another type."""
        name, table = self.any_source()
        what = self.rng.choice(["new", "new", "gone", "type", "moved"])
        rows = len(next(iter(table.values()))[1])
        column = self.rng.choice([*table])
        if what == "new":
            new = self.rng.choice([self.name("n"), "a", "b", "c", "s", "n", "top"])
            if new not in table:
                items = [*table.items()]
                numbers = [self.rng.randint(0, 4) for _ in range(rows)]
                items.insert(self.rng.randint(0, len(items)), (new, ("INTEGER", numbers)))
                self.sources[name] = dict(items)
            return f"{name} has a column {new}"
        if what == "gone":
            if column in ("id", "k") or len(table) < 4:
                return "nothing"
            del table[column]
            return f"{name} has no column {column} any more"
        if what == "type":
            kind, old = table[column]
            if kind != "INTEGER":
                return "nothing"
            table[column] = ("BIGINT", old)
            return f"{name}.{column} is a BIGINT"
        items = [*table.items()]
        self.rng.shuffle(items)
        self.sources[name] = dict(items)
        return f"the columns of {name} have another order"
