"""What a program runs on: a view is one table of a file, or two that a found key joins.

A view knows its columns, the Python that binds `df` to it and the SQL that selects from it, so a program
never knows whether its table is a sheet, a database table or a join; every program works on all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from datamind_gen.rows import Column, Profile, Relationship, SemanticType, Table
from datamind_gen.taxonomy.meaning import is_scale
from datamind_gen.taxonomy.remember import remember
from datamind_gen.taxonomy.render import quote_identifier, quote_literal, say_column

MIN_COVERAGE = 0.9
"""A join through a key that matches fewer of the child's rows would quietly answer another question."""
LOOKUP_ROWS = 12
"""A table with fewer rows beside larger ones is there to be looked things up in, not to be asked about."""
_GENERIC = frozenset(
    {"name", "title", "label", "code", "type", "kind", "description", "value", "rating", "level"}
)
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:$|[ T])")


@dataclass(frozen=True, slots=True)
class View:
    tables: tuple[str, ...]
    columns: tuple[Column, ...]
    rows: int
    load: str
    """Python that binds `df`."""
    sql: str
    """What stands after FROM."""
    words: str
    """How a question names it; empty where the file holds nothing else."""
    is_database: bool
    called: tuple[tuple[str, str], ...] = ()
    """Columns with what questions call them, where the name alone says nothing: the `name` of a firm."""

    joined: frozenset[str] = frozenset()
    """The columns that a join has added."""

    @property
    def joins(self) -> int:
        return len(self.tables) - 1

    def column(self, name: str) -> Column:
        """The column of that name. Raises KeyError."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{' with '.join(self.tables)} has no column {name!r}")


@remember
def list_views(profile: Profile) -> tuple[View, ...]:
    """All views of a file: its tables in order, then the joins."""
    return tuple(_tables(profile)) + tuple(_joins(profile))


def find_view(profile: Profile, tables: tuple[str, ...]) -> View:
    """The view over these tables. Raises KeyError."""
    for view in list_views(profile):
        if view.tables == tables:
            return view
    raise KeyError(f"{profile.file.name} has no view over {', '.join(tables)}")


def _tables(profile: Profile) -> Iterator[View]:
    several = len(profile.tables) > 1
    for table in profile.tables:
        if table.rows < LOOKUP_ROWS and any(other.rows >= LOOKUP_ROWS for other in profile.tables):
            continue
        yield View(
            tables=(table.name,),
            columns=_columns(profile, table),
            rows=table.rows,
            load=_load(profile, table),
            sql=quote_identifier(table.name),
            words=f"the {say_column(table.name)} {_noun(profile, table)}" if several else "",
            is_database=profile.file.format.is_database,
        )


def _joins(profile: Profile) -> Iterator[View]:
    for link in profile.relationships:
        if link.coverage < MIN_COVERAGE or link.child == link.parent:
            continue
        child, parent = profile.table(link.child), profile.table(link.parent)
        taken = {column.name for column in child.columns}
        repeats = _repeats(link, child)
        added = tuple(
            column
            for column in _columns(profile, parent)
            if column.name not in taken and not (repeats and column.kind.is_measure and not is_scale(column))
        )
        if not added:
            continue
        keys = " and ".join(say_column(name) for name in link.child_columns)
        noun = _noun(profile, child)
        yield View(
            tables=(child.name, parent.name),
            columns=_columns(profile, child) + tuple(_per_child(column, child, parent) for column in added),
            rows=child.rows,
            load=_join_python(profile, link, child, parent, added),
            sql=_join_sql(link, child, parent, added),
            words=f"the {say_column(child.name)} {noun} joined to {say_column(parent.name)} on {keys}",
            is_database=profile.file.format.is_database,
            joined=frozenset(column.name for column in added),
            called=tuple(
                (column.name, f"{say_column(parent.name)} {say_column(column.name)}")
                for column in added
                if column.name.lower() in _GENERIC
            ),
        )


def _repeats(link: Relationship, child: Table) -> bool:
    """Whether several of the child's rows meet one of the parent's: a traveller's income beside each of four
    trips is no income of a trip, and its mean over the trips is nobody's."""
    return not any(
        column.distinct == column.count == child.rows
        for column in child.columns
        if column.name in link.child_columns
    )


def _per_child(column: Column, child: Table, parent: Table) -> Column:
    """A parent's column seen from the child's rows: only what surely still holds is kept."""
    share = column.count / parent.rows if parent.rows else 0.0
    count = round(child.rows * share)
    repeats = column.kind is SemanticType.NAME and count > column.distinct
    kind = SemanticType.CATEGORY if repeats else column.kind
    return replace(
        column,
        kind=kind,
        count=count,
        nulls=child.rows - count,
        distinct_exact=False,
        mean=None,
        std=None,
        skew=None,
    )


def _columns(profile: Profile, table: Table) -> tuple[Column, ...]:
    """The table's columns as `_load` binds them: a database's date texts are dates there."""
    texts = _date_texts(profile, table)
    if not texts:
        return table.columns
    return tuple(replace(one, dtype="datetime") if one.name in texts else one for one in table.columns)


def _load(profile: Profile, table: Table) -> str:
    load = table.plan.pandas.strip()
    parsed = [f"df[{name!r}] = pd.to_datetime(df[{name!r}])" for name in _date_texts(profile, table)]
    return "\n".join([load, *parsed])


def _date_texts(profile: Profile, table: Table) -> tuple[str, ...]:
    """Columns of ISO dates that SQLite keeps as text: its date functions read them, pandas must be told."""
    if not profile.file.format.is_database:
        return ()
    return tuple(
        column.name
        for column in table.columns
        if column.kind is SemanticType.DATE
        and column.dtype == "string"
        and all(_ISO_DATE.match(str(end)) for end in (column.minimum, column.maximum, *column.examples))
    )


def _join_python(
    profile: Profile, link: Relationship, child: Table, parent: Table, added: tuple[Column, ...]
) -> str:
    left, right = list(link.child_columns), list(link.parent_columns)
    wanted = right + [column.name for column in added if column.name not in right]
    name = _identifier(parent.name)
    on = f"on={_one(left)}" if left == right else f"left_on={_one(left)}, right_on={_one(right)}"
    return "\n".join(
        (
            _load(profile, parent),
            f"{name} = df",
            _load(profile, child),
            f"df = df.merge({name}[{wanted!r}], {on}, how='inner')",
        )
    )


def _join_sql(link: Relationship, child: Table, parent: Table, added: tuple[Column, ...]) -> str:
    columns = ", ".join(f"p.{quote_identifier(column.name)}" for column in added)
    on = " AND ".join(
        f"c.{quote_identifier(left)} = p.{quote_identifier(right)}"
        for left, right in zip(link.child_columns, link.parent_columns, strict=True)
    )
    return (
        f"(SELECT c.*, {columns} FROM {quote_identifier(child.name)} AS c "
        f"JOIN {quote_identifier(parent.name)} AS p ON {on}) AS joined"
    )


def filtered_sql(sql: str, condition: str) -> str:
    """A view's SQL, keeping only the rows that meet a condition."""
    return f"(SELECT * FROM {sql} WHERE {condition}) AS kept"


def sql_in(values: tuple[str | int | float | bool | None, ...]) -> str:
    return "(" + ", ".join(quote_literal(value) for value in values) + ")"


def _one(names: list[str]) -> str:
    return repr(names[0]) if len(names) == 1 else repr(names)


def _identifier(name: str) -> str:
    slug = re.sub(r"\W+", "_", name.lower(), flags=re.ASCII).strip("_")
    return slug if slug and not slug[0].isdigit() and slug != "df" else f"table_{slug or 'right'}"


def _noun(profile: Profile, table: Table) -> str:
    if profile.file.format.value in ("xlsx", "xls", "ods"):
        return "sheet"
    return "file" if profile.file.format.value == "folder" else "table"
