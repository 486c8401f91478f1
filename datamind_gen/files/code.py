"""Writes the Python that loads a delimited table: variants, from the plainest to the most literal.

A `TextColumn` knows what must come out of its column (values, sum); `proof.py` runs a variant and
compares. The first that comes out right is the plan's.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from datamind_gen.files.cells import DEFAULT_NULLS
from datamind_gen.files.dialect import Dialect
from datamind_gen.files.encoding import Encoding
from datamind_gen.files.layout import Layout
from datamind_gen.files.notation import Notation
from datamind_gen.files.plan import shown_path

_MOST_SKIPPED = 40


@dataclass(frozen=True, slots=True)
class TextColumn:
    """A column as text, before loading: its name, notation and values with their counts."""

    name: str
    notation: Notation
    values: Counter[str]

    @property
    def null_tokens(self) -> set[str]:
        """The raw texts that stand for no value here, blanks around them included."""
        nulls = {*self.notation.nulls, *(DEFAULT_NULLS - set(self.notation.null_like)), ""}
        return {raw for raw in self.values if raw.strip() in nulls}

    @property
    def count(self) -> int:
        """How many rows hold a value, as loaded."""
        nulls = self.null_tokens
        return sum(n for raw, n in self.values.items() if raw not in nulls) - self.notation.strays

    def total(self) -> float | None:
        """The sum of the column's numbers, as the notation says; None for what is no number."""
        if self.notation.kind not in ("int", "float"):
            return None
        nulls = self.null_tokens
        if self.notation.is_plain_number and not self.notation.strays:
            return math.fsum(float(raw) * n for raw, n in self.values.items() if raw not in nulls)
        parsed = ((parse_number(raw, self.notation), n) for raw, n in self.values.items() if raw not in nulls)
        return math.fsum(value * n for value, n in parsed if value is not None)


def told_types(columns: Sequence[TextColumn]) -> str:
    """How many columns are of each type, as in `2 int, 1 date, 3 string`."""
    counts = Counter(column.notation.kind for column in columns)
    return ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))


def parse_number(text: str, notation: Notation) -> float | None:
    """The number that a text means in a notation; None for a stray."""
    text = text.strip()
    negative = notation.parentheses and text.startswith("(")
    if negative:
        text = text.strip("()")
    for sign in notation.strip:
        text = text.replace(sign, "")
    if notation.thousands:
        text = text.replace(notation.thousands, "")
    if notation.decimal != ".":
        text = text.replace(notation.decimal, ".")
    try:
        return -float(text) if negative else float(text)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that loading a delimited table needs."""

    part: str
    dialect: Dialect
    encoding: Encoding
    layout: Layout
    columns: tuple[TextColumn, ...]
    header_width: int
    """Cells in the header's last row."""
    records: int
    """Records in the file."""
    dropped: tuple[int, ...]
    """Rows between the first and the last of the body that are no data (blank lines not counted)."""
    trailing: bool
    """Whether records that are no data follow the body."""

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]


def write_variants(recipe: Recipe) -> Iterator[str]:
    """Loading code, the plainest first."""
    if not recipe.dialect.wrapped:
        yield _plain(recipe)
        yield _as_text(recipe)
    yield _by_rows(recipe)


def plain_code(recipe: Recipe, rows: int) -> str:
    """The plainest variant for a file of so many rows, of which the recipe has seen a sample."""
    code = _plain(recipe)
    return code.replace(f"nrows={len(recipe.layout.body)}", f"nrows={rows}")


# --- variants -------------------------------------------------------------------------------------


def _plain(recipe: Recipe) -> str:
    """One read_csv with pandas' own inference, and a line for each column that needs more."""
    options = _place_options(recipe)
    decimal, thousands = _marks(recipe.columns)
    if decimal != ".":
        options["decimal"] = decimal
    if thousands:
        options["thousands"] = thousands
    options |= null_options(recipe.columns)
    texts = {c.name: str for c in recipe.columns if c.notation.code or _is_dated_number(c)}
    needs = [column for column in recipe.columns if _needs_line(column, decimal, thousands)]
    if texts:
        options["dtype"] = texts
    return _call(recipe, options) + lines_for(needs)


def _as_text(recipe: Recipe) -> str:
    """Everything read as text, then each column converted by itself."""
    options = _place_options(recipe)
    options |= {"dtype": str}
    options |= null_options(recipe.columns)
    return _call(recipe, options) + lines_for(
        [c for c in recipe.columns if c.notation.kind not in ("string", "empty")]
    )


def _by_rows(recipe: Recipe) -> str:
    """The csv module cuts the rows, pandas takes them: for what no option of read_csv describes."""
    dialect, layout = recipe.dialect, recipe.layout
    reader = []
    if dialect.delimiter != ",":
        reader.append(f"delimiter={dialect.delimiter!r}")
    if dialect.quote is None:
        reader.append("quoting=csv.QUOTE_NONE")
    elif dialect.quote != '"':
        reader.append(f"quotechar={dialect.quote!r}")
    if dialect.escape:
        reader.append(f"escapechar={dialect.escape!r}")
    if dialect.skip_blanks or dialect.delimiter == " ":
        reader.append("skipinitialspace=True")
    errors = f', errors="{recipe.encoding.errors}"' if recipe.encoding.errors != "strict" else ""
    lines = ["import csv", "", "import pandas as pd", "", "csv.field_size_limit(1 << 30)"]
    opened = f'open({shown_path(recipe.part)!r}, encoding="{recipe.encoding.name}"{errors}, newline="")'
    lines.append(f"with {opened} as file:")
    source = "file"
    if dialect.wrapped:
        lines.append(
            "    outer = [row[0] if len(row) == 1 else "
            + f"{dialect.delimiter!r}.join(row) for row in csv.reader(file)]"
        )
        source = "outer"
    elif dialect.delimiter == " ":
        source = '(line.strip().replace("\\t", " ") for line in file)'
    lines.append(f"    rows = list(csv.reader({', '.join([source, *reader])}))")
    body = layout.body
    if len(body) == body[-1] - body[0] + 1 if body else True:
        chosen = f"rows[{body[0]}:{body[-1] + 1}]" if body else "[]"
    else:
        first, last = body[0], body[-1] + 1
        absent = sorted(set(range(first, last)) - set(body))
        wanted = f"place >= {first} and place not in {set(absent)!r}"
        chosen = f"[row for place, row in enumerate(rows[:{last}]) if {wanted}]"
    lines.append(f"body = {chosen}")
    lines.append(f"names = {recipe.names!r}")
    lines.append(
        'df = pd.DataFrame([row + [""] * (len(names) - len(row)) for row in body], columns=names, dtype=str)'
    )
    nulls = sorted(set().union(*(column.null_tokens for column in recipe.columns)) | {""})
    kept = {token for column in recipe.columns for token in column.values} if nulls else set()
    conflicts = [
        token
        for token in nulls
        if any(token in c.values and token not in c.null_tokens for c in recipe.columns)
    ]
    if not conflicts:
        lines.append(f"df = df.mask(df.isin({[token for token in nulls if token in kept or token == '']!r}))")
    else:
        for column in recipe.columns:
            if column.null_tokens:
                held = f"df[{column.name!r}]"
                lines.append(f"{held} = {held}.mask({held}.isin({sorted(column.null_tokens)!r}))")
    typed = [c for c in recipe.columns if c.notation.kind not in ("string", "empty")]
    return "\n".join(lines) + "\n" + lines_for(typed)


# --- options of read_csv --------------------------------------------------------------------------


def _place_options(recipe: Recipe) -> dict[str, object]:
    dialect, layout, encoding = recipe.dialect, recipe.layout, recipe.encoding
    options: dict[str, object] = {}
    if dialect.delimiter == " ":
        options["sep"] = r"\s+"
    elif dialect.delimiter != ",":
        options["sep"] = dialect.delimiter
    if encoding.name not in ("utf-8", "utf-8-sig"):
        options["encoding"] = encoding.name
    if encoding.errors != "strict":
        options["encoding_errors"] = encoding.errors
    if dialect.quote is None:
        options["quoting"] = 3
    elif dialect.quote != '"':
        options["quotechar"] = dialect.quote
    if dialect.escape:
        options["escapechar"] = dialect.escape
    if dialect.skip_blanks:
        options["skipinitialspace"] = True
    widest_first = len(layout.header) == 1 and recipe.header_width == layout.width
    if widest_first:
        before = layout.header[0]
    else:
        before = layout.body[0] if layout.body else layout.end
        options["header"] = None
        options["names"] = recipe.names
    skipped = list(recipe.dropped)
    if skipped:
        options["skiprows"] = [*range(before), *skipped]
    elif before:
        options["skiprows"] = before
    if recipe.trailing:
        options["nrows"] = len(layout.body)
    return options


def _marks(columns: Sequence[TextColumn]) -> tuple[str, str | None]:
    """The decimal and thousands marks to give read_csv: those that no column contradicts."""
    numeric = [c.notation for c in columns if c.notation.kind in ("int", "float")]
    decimals = {
        notation.decimal for notation in numeric if notation.kind == "float" or notation.decimal != "."
    }
    decimal = "," if decimals == {","} else "."
    thousands = {n.thousands for n in numeric if n.thousands and n.decimal == decimal and not n.strip}
    plain_points = any(n.kind == "float" and n.decimal == "." for n in numeric)
    if len(thousands) != 1 or (thousands == {"."} and plain_points):
        return decimal, None
    return decimal, thousands.pop()


def null_options(columns: Sequence[TextColumn]) -> dict[str, object]:
    """na_values and keep_default_na: for all columns where they agree, else by column."""
    options: dict[str, object] = {}
    tokens = {column.name: column.null_tokens - {""} for column in columns}
    everything = set().union(*tokens.values())
    if any(column.notation.null_like for column in columns):
        options["keep_default_na"] = False
        wanted = {column.name: sorted(tokens[column.name] | {""}) for column in columns}
        if any(_is_value(token, columns) for token in everything):
            return options | {"na_values": wanted}
        return options | {"na_values": sorted(everything | {""})}
    special = everything - DEFAULT_NULLS
    if not special:
        return options
    if any(_is_value(token, columns) for token in special):
        by_column = {
            name: sorted(found - DEFAULT_NULLS) for name, found in tokens.items() if found - DEFAULT_NULLS
        }
        return {"na_values": by_column}
    return {"na_values": sorted(special)}


def _is_value(token: str, columns: Sequence[TextColumn]) -> bool:
    return any(token in column.values and token not in column.null_tokens for column in columns)


def _call(recipe: Recipe, options: Mapping[str, object]) -> str:
    written = [f"{name}={literal(value)}" for name, value in options.items()]
    line = f"df = pd.read_csv({', '.join([repr(shown_path(recipe.part)), *written])})"
    if len(line) > 100:
        inner = "".join(f"    {item},\n" for item in [repr(shown_path(recipe.part)), *written])
        line = f"df = pd.read_csv(\n{inner})"
    return f"import pandas as pd\n\n{line}\n"


def literal(value: object) -> str:
    """An option's value as code."""
    if value is str:
        return "str"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {literal(item)}" for key, item in value.items()) + "}"
    return repr(value)


# --- a line for each column that needs it ---------------------------------------------------------


def _is_dated_number(column: TextColumn) -> bool:
    return column.notation.kind == "date" and column.notation.date_format == "%Y%m%d"


def _needs_line(column: TextColumn, decimal: str, thousands: str | None) -> bool:
    notation = column.notation
    if notation.kind == "date":
        return True
    if notation.kind not in ("int", "float"):
        return False
    if notation.strip or notation.parentheses or notation.strays:
        return True
    other_mark = notation.kind == "float" and notation.decimal != decimal
    return other_mark or notation.thousands not in (None, thousands)


def lines_for(columns: Sequence[TextColumn], *, mixed: bool = False) -> str:
    """Conversions, columns alike in one loop; `mixed` columns hold numbers beside texts."""
    alike: dict[str, list[str]] = defaultdict(list)
    for column in columns:
        if expression := _expression(column.notation, "@.astype(str)" if mixed else "@"):
            alike[expression].append(column.name)
    lines = []
    for expression, names in alike.items():
        if len(names) <= 2:
            lines += [f"df[{name!r}] = {expression.replace('@', f'df[{name!r}]')}" for name in names]
        else:
            lines += [f"for name in {names!r}:", f"    df[name] = {expression.replace('@', 'df[name]')}"]
    return "\n".join(lines) + "\n" if lines else ""


def _expression(notation: Notation, text: str = "@") -> str | None:
    """The conversion of a text column `@`."""
    if notation.kind == "date" and notation.date_format is None:
        return "pd.to_datetime(@)"
    coerce = ', errors="coerce"' if notation.strays else ""
    if notation.kind == "date":
        return f'pd.to_datetime(@, format="{notation.date_format}"{coerce})'
    if notation.kind == "boolean":
        return '@.str.lower().map({"true": True, "false": False})'
    if notation.kind not in ("int", "float"):
        return None
    if notation.parentheses:
        text += r'.str.replace(r"^\((.*)\)$", r"-\1", regex=True)'
    removed = [*notation.strip, *([notation.thousands] if notation.thousands else [])]
    if removed == ["%"]:
        text += '.str.rstrip("%")'
    elif len(removed) == 1:
        text += f'.str.replace({removed[0]!r}, "", regex=False)'
    elif removed and all(len(sign) == 1 for sign in removed):
        marks = "".join("\\" + sign if sign in "^]\\-[" else sign for sign in removed)
        text += f'.str.replace(r"[{marks}]", "", regex=True)'
    else:
        for sign in removed:
            text += f'.str.replace({sign!r}, "", regex=False)'
    if notation.decimal != ".":
        text += f'.str.replace({notation.decimal!r}, ".", regex=False)'
    return f"pd.to_numeric({text}{coerce})"
