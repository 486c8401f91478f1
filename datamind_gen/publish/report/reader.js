// The reader: a list of cases to search and filter, and one case opened.

const PAGE = 50;
const FILTERS = [
  ['category', 'category'], ['level', 'level'], ['format', 'format'], ['file', 'file'],
  ['status', 'status'], ['reason', 'reason'], ['hops', 'hops'], ['origin', 'origin'],
];

function valuesOf(head, name) {
  if (name === 'status') return head.ends.map((end) => end[1]);
  if (name === 'reason') return head.ends.map((end) => end[2]).filter(Boolean);
  const value = head[name];
  return value === null || value === undefined || value === '' ? [] : [String(value)];
}

class Reader {
  constructor(index, totals) {
    this.cases = index.cases;
    this.shared = index.shared;
    this.totals = totals;
    this.chosen = {};
    this.matching = this.cases;
    this.shown = PAGE;
    this.open = null;
    this.chunks = new Map();
    for (const head of this.cases) {
      head.text = [head.question, head.answer, head.file, head.id, head.category].join(' ').toLowerCase();
    }
    this.drawFilters();
    byId('search').addEventListener('input', () => this.refresh());
    byId('more').addEventListener('click', () => { this.shown += PAGE; this.drawList(); });
    document.addEventListener('keydown', (event) => this.steer(event));
  }

  drawFilters() {
    this.selects = {};
    for (const [name, label] of FILTERS) {
      const values = new Map();
      for (const head of this.cases) for (const value of new Set(valuesOf(head, name))) values.set(value, (values.get(value) || 0) + 1);
      if (values.size < 2 && name !== 'status') continue;
      const sorted = [...values].sort((a, b) => (name === 'hops' ? a[0] - b[0] : a[0].localeCompare(b[0])));
      const select = el(
        'select',
        { 'aria-label': label, onchange: () => this.refresh() },
        el('option', { value: '' }, `any ${label}`),
        sorted.map(([value, number]) => el('option', { value }, `${words(value)} (${count(number)})`)),
      );
      this.selects[name] = select;
      byId('filters').append(select);
    }
    byId('filters').append(el('button', { type: 'button', class: 'clear', onclick: () => this.filter({}) }, 'clear'));
  }

  filter(wanted) {
    byId('search').value = '';
    for (const [name, select] of Object.entries(this.selects)) select.value = wanted[name] ?? '';
    this.refresh();
  }

  refresh() {
    const terms = byId('search').value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = Object.entries(this.selects).filter(([, select]) => select.value !== '');
    const { status, reason } = Object.fromEntries(wanted.map(([name, select]) => [name, select.value]));
    this.matching = this.cases.filter(
      (head) =>
        wanted.every(([name, select]) => valuesOf(head, name).includes(select.value)) &&
        (!status || !reason || head.ends.some((end) => end[1] === status && end[2] === reason)) &&
        terms.every((term) => head.text.includes(term)),
    );
    this.shown = PAGE;
    this.drawList();
  }

  drawList() {
    byId('list').replaceChildren(...this.matching.slice(0, this.shown).map((head) => this.drawEntry(head)));
    const missing = this.totals.total - this.totals.listed;
    byId('found').textContent =
      `${count(this.matching.length)} of ${plural(this.cases.length, 'case')}` + (missing ? `, a sample of ${count(this.totals.total)}` : '');
    byId('more').hidden = this.matching.length <= this.shown;
    if (!this.matching.length) byId('list').append(el('li', { class: 'nothing' }, 'Nothing matches. Clear a filter?'));
  }

  drawEntry(head) {
    const statuses = new Set(head.ends.map((end) => end[1]));
    const status = ['kept', 'rejected', 'failed'].find((name) => statuses.has(name));
    const reasons = [...new Set(head.ends.map((end) => end[2]).filter(Boolean))];
    return el(
      'li',
      {},
      el(
        'a',
        { href: `#case=${encodeURIComponent(head.id)}`, class: head.id === this.open ? 'entry current' : 'entry', 'aria-current': head.id === this.open ? 'true' : null },
        el('span', { class: 'entry-question' }, head.question || head.id),
        el(
          'span',
          { class: 'entry-facts' },
          el('span', { class: `dot ${status}`, title: status }),
          [words(head.category), head.level && words(head.level), head.file, status === 'kept' ? null : reasons.map(words).join(', ')].filter(Boolean).join(' · '),
        ),
      ),
    );
  }

  steer(event) {
    if (byId('reader-page').hidden || event.ctrlKey || event.metaKey || event.altKey) return;
    if (['INPUT', 'SELECT', 'TEXTAREA'].includes(event.target.tagName)) return;
    const step = { j: 1, ArrowRight: 1, k: -1, ArrowLeft: -1 }[event.key];
    if (!step || (event.key.startsWith('Arrow') && event.target.closest('.columns'))) return;
    this.move(step);
  }

  move(step) {
    const here = this.matching.findIndex((head) => head.id === this.open);
    const next = this.matching[Math.max(0, Math.min(this.matching.length - 1, here + step))];
    if (next) location.hash = `case=${encodeURIComponent(next.id)}`;
  }

  async body(head) {
    if (!head.body) return null;
    const [chunk, place] = head.body;
    if (!this.chunks.has(chunk)) this.chunks.set(chunk, unpack(`data-chunk-${chunk}`));
    return (await this.chunks.get(chunk))[place];
  }

  async show(id) {
    const head = this.cases.find((found) => found.id === id);
    const detail = byId('detail');
    this.open = head ? id : null;
    document.body.classList.toggle('reading', Boolean(head));
    this.drawList();
    byId('list').querySelector('.current')?.scrollIntoView({ block: 'nearest' });
    if (!head) {
      detail.replaceChildren(el('p', { class: 'hint' }, id ? `No case ${id} is listed here.` : 'Choose a case on the left. The keys j and k go to the next and the previous one.'));
      return;
    }
    const body = await this.body(head);
    if (this.open !== id) return;
    detail.replaceChildren(...drawCase(head, body, this).flat());
    detail.scrollTop = 0;
    window.scrollTo(0, 0);
  }
}

function chip(text, style) {
  return el('span', { class: `chip ${style || ''}` }, text);
}

function drawCase(head, body, reader) {
  const back = el(
    'p',
    { class: 'walk' },
    el('a', { href: '#reader', class: 'back' }, '← all'),
    el('button', { type: 'button', onclick: () => reader.move(-1) }, 'previous'),
    el('button', { type: 'button', onclick: () => reader.move(1) }, 'next'),
  );
  const heading = el('h2', { class: 'question' }, body ? body.question : head.question);
  if (!body) {
    return [back, heading, el('p', { class: 'banner' }, `The text of this case is left out, to keep the report small. Its rows are in the dataset: query ${head.id}.`)];
  }
  const facts = body.facts;
  const chips = [
    facts.category && chip(words(facts.category)),
    facts.level && chip(words(facts.level)),
    facts.hops && chip(plural(facts.hops, 'hop')),
    facts.file && chip(facts.file, 'file'),
    facts.answer_type && chip(`answer: ${facts.answer_type}`),
    facts.origin && chip(`written by a ${facts.origin}`),
    facts.verified && chip('verified', 'good'),
    facts.reference && !facts.verified && body.trajectories.some((found) => found.status === 'kept') && chip('not what the reference says', 'bad'),
  ];
  return [
    back,
    heading,
    el('p', { class: 'chips' }, chips),
    facts.reference ? el('p', { class: 'reference' }, el('b', {}, 'Reference answer '), el('code', {}, facts.reference)) : null,
    drawEnds(body),
    drawHops(body.hops),
    drawVerdicts(body.verdicts),
    body.trajectories.length ? el('div', { class: 'columns', style: { '--columns': body.trajectories.length } }, body.trajectories.map((found) => drawTrajectory(found, reader.shared, body.verdicts))) : null,
    body.rest ? fold('The row as it stood', el('pre', { class: 'raw' }, JSON.stringify(body.rest, null, 2)), true) : null,
    body.lineage ? fold('Lineage', el('pre', { class: 'raw' }, JSON.stringify(body.lineage, null, 2))) : null,
  ].filter(Boolean);
}

function fold(title, content, isOpen) {
  return el('details', { class: 'fold', open: isOpen }, el('summary', {}, title), content);
}

function drawEnds(body) {
  const told = body.ends.filter((end) => end.status !== 'kept' && !body.trajectories.some((found) => found.reason === end.reason && found.detail === end.detail));
  const notes = body.trajectories.length ? told : body.ends;
  if (!notes.length) return null;
  return el('ul', { class: 'ends' }, notes.map((end) => el('li', { class: end.status }, el('b', {}, `${end.status} at ${end.stage}`), end.reason ? `: ${words(end.reason)}` : '', end.detail ? ` (${end.detail})` : '')));
}

function drawHops(hops) {
  if (!hops.length) return null;
  return fold(
    hops.length === 1 ? 'How the question is made' : `How the question is made: ${hops.length} hops`,
    el(
      'ol',
      { class: 'hops' },
      hops.map((hop) =>
        el(
          'li',
          {},
          el('p', {}, hop.question),
          el('p', { class: 'small' }, [words(hop.category), hop.program && `program ${hop.program}`, hop.wiring && `takes the answer before as ${hop.wiring}`].filter(Boolean).join(' · ')),
          Object.keys(hop.slots).length ? el('p', { class: 'small' }, Object.entries(hop.slots).map(([name, value]) => el('code', { class: 'slot' }, `${name} = ${value}`))) : null,
          hop.answer ? el('p', { class: 'small' }, 'answer: ', el('code', {}, hop.answer)) : null,
        ),
      ),
    ),
  );
}

function drawVerdicts(verdicts) {
  return verdicts.map((verdict) =>
    el(
      'div',
      { class: `verdict ${verdict.agree ? 'agree' : 'differ'}` },
      el('b', {}, verdict.agree ? 'The samples agree' : 'The samples differ'),
      ` (${verdict.method}, margin ${Math.round(100 * verdict.margin)} %${verdict.round ? `, after reflection ${verdict.round}` : ''})`,
      verdict.reasoning ? el('p', {}, verdict.reasoning) : null,
      verdict.error ? el('p', { class: 'bad' }, verdict.error) : null,
    ),
  );
}

function drawTrajectory(found, shared, verdicts) {
  const isToldAlready = verdicts.some((verdict) => verdict.reasoning === found.detail);
  const prompt = found.prompt.map((message) => el('div', {}, el('b', {}, message.role), el('pre', { class: 'raw' }, message.content ?? shared[message.shared])));
  return el(
    'section',
    { class: `trajectory ${found.status}` },
    el(
      'header',
      {},
      el('span', { class: `chip ${found.status}` }, found.status === 'kept' ? 'kept' : `${found.status}: ${words(found.reason)}`),
      el('span', { class: 'small' }, `sample ${found.sample + 1}${found.round ? `, reflection ${found.round}` : ''} · ${plural(found.turns.length, 'turn')} · ${found.model}`),
      found.detail && !isToldAlready ? el('span', { class: 'small' }, found.detail) : null,
      found.planted.length ? el('span', { class: 'chip bad', title: 'A fault that the scripted model planted: truth for audits' }, `planted: ${found.planted.map(words).join(', ')}`) : null,
    ),
    fold('Prompt', prompt),
    el('ol', { class: 'turns' }, found.turns.map(drawTurn)),
    found.stop !== 'answered' ? el('p', { class: 'bad' }, `ended by ${words(found.stop)}`) : null,
    el('p', { class: 'small id' }, found.row),
  );
}

function drawTurn(turn) {
  const failed = turn.status && turn.status !== 'ok';
  return el(
    'li',
    { class: 'turn' },
    turn.thought ? el('p', { class: 'thought' }, turn.thought) : null,
    turn.code ? highlight(turn.code) : null,
    turn.text && !turn.code && turn.answer === null ? el('pre', { class: 'raw' }, turn.text) : null,
    turn.problems.length ? el('p', { class: 'small bad' }, `not as the format asks: ${turn.problems.map(words).join(', ')}`) : null,
    turn.observation ? drawObservation(turn.observation, failed && turn.status) : null,
    turn.answer !== null ? el('div', { class: 'answer' }, el('b', {}, 'Answer '), turn.answer) : null,
  );
}

function drawObservation(text, failure) {
  const inner = text.replace(/^<interpreter>\n?/, '').replace(/\n?<\/interpreter>$/, '');
  const pre = el('pre', { class: failure ? 'observation failed' : 'observation', tabindex: '0' }, inner);
  const lines = inner.split('\n').length;
  if (lines <= 14) return pre;
  pre.classList.add('cut');
  const button = el('button', { type: 'button', class: 'unfold', onclick: () => { pre.classList.remove('cut'); button.remove(); } }, `show all ${lines} lines`);
  return [pre, button];
}
