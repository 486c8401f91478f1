"""What to ask: categories of questions, and programs that ask, answer and chain.

    from datamind_gen.taxonomy import Executor, draw, extend, load_taxonomy, make_query

    taxonomy = load_taxonomy("data_analysis")
    chain = next(draw(taxonomy.category("ranking"), profile, random.Random(1)))
    async with Executor(sandbox, profile, paths) as executor:
        (run,) = await executor.run([chain], stop_at_first=True)
    query = make_query(chain, run.answers, profile, random.Random(1)) if run.good else None

`python -m datamind_gen.taxonomy.check CATEGORY.yaml [FILE ...]` runs all programs of a category on real
files. How to write a category is told in docs/taxonomies.md.
"""

from datamind_gen.taxonomy.chain import Chain, Link, from_query
from datamind_gen.taxonomy.execute import Executor, Fate, Run
from datamind_gen.taxonomy.instances import draw, draw_over, instantiate, make_query, may_end
from datamind_gen.taxonomy.load import TaxonomyError, find_taxonomy, load_category, load_taxonomy
from datamind_gen.taxonomy.schema import Category, ColumnKind, Program, Taxonomy
from datamind_gen.taxonomy.wiring import extend, follow, takes_phrases

__all__ = [
    "Category",
    "Chain",
    "ColumnKind",
    "Executor",
    "Fate",
    "Link",
    "Program",
    "Run",
    "Taxonomy",
    "TaxonomyError",
    "draw",
    "draw_over",
    "extend",
    "find_taxonomy",
    "follow",
    "from_query",
    "instantiate",
    "load_category",
    "load_taxonomy",
    "make_query",
    "may_end",
    "takes_phrases",
]
