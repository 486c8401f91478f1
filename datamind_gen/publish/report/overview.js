// The first page: figures of the whole run.

function tile(value, name, note) {
  return el('div', { class: 'tile' }, el('strong', {}, value), el('span', {}, name), note ? el('small', {}, note) : null);
}

function card(title, note, ...content) {
  return el('section', { class: 'card' }, el('h2', {}, title), note ? el('p', { class: 'note' }, note) : null, content);
}

function plainTable(headers, rows) {
  return el(
    'div',
    { class: 'scroll' },
    el(
      'table',
      { class: 'plain' },
      el('thead', {}, el('tr', {}, headers.map((name) => el('th', { scope: 'col' }, name)))),
      el('tbody', {}, rows.map((row) => el('tr', {}, row.map((cell) => el('td', {}, cell))))),
    ),
  );
}

const money = (usd) => (usd === null || usd === undefined ? 'unknown' : `$${usd.toFixed(usd > 0 && usd < 1 ? 4 : 2)}`);

function drawTiles(data) {
  const kept = data.rows.sft || 0;
  const tiles = [
    tile(count(kept), 'trajectories kept', `${count(data.rows.rejected || 0)} rows rejected or failed`),
    tile(count(data.rows.rl || 0), 'tasks', 'one a query'),
    tile(kept ? `${Math.round((100 * data.verified) / kept)} %` : 'none', 'verified', 'say what a reference says'),
    tile(count(data.sources.length), data.sources.length === 1 ? 'data file' : 'data files'),
  ];
  if (data.run) {
    const tokens = data.run.models.reduce((sum, model) => sum + model.prompt_tokens + model.completion_tokens, 0);
    const costs = data.run.models.map((model) => model.usd);
    const usd = costs.some((cost) => cost === null) ? null : costs.reduce((sum, cost) => sum + cost, 0);
    tiles.push(tile(duration(data.run.wall_s), 'wall time', data.run.starts > 1 ? plural(data.run.starts, 'start') : null));
    tiles.push(tile(tokens ? count(tokens) : 'unknown', 'tokens', usd === null ? 'cost unknown' : money(usd)));
  }
  return el('div', { class: 'tiles' }, tiles);
}

function drawOverview(data, open) {
  const page = byId('overview-page');
  const parts = [drawTiles(data)];
  if (data.run && data.run.outcome !== 'finished') {
    parts.push(el('p', { class: 'banner' }, `This run ${data.run.outcome}: ${data.run.message}`));
  }
  if (data.funnel.length) {
    parts.push(
      card(
        'What went in, what came out',
        'Each stage counts its own unit. A reason opens the rows that it took.',
        el('p', { class: 'legend' }, ['kept', 'rejected', 'failed'].map((name) => el('span', { class: `key ${name}` }, name))),
        funnelChart(data.funnel, (reason) => open({ reason })),
      ),
    );
  }
  if (data.matrix.categories.length) {
    parts.push(
      card(
        'Coverage',
        'Kept trajectories by category and format. A cell opens them.',
        el('div', { class: 'scroll' }, matrixTable(data.matrix, (category, format) => open({ category, format }))),
      ),
    );
  }
  const picks = { Level: 'level', Format: 'format' };
  parts.push(
    el(
      'div',
      { class: 'charts' },
      data.charts
        .filter((chart) => chart.bars.length)
        .map((chart) => card(chart.name, chart.note, barChart(chart.bars, picks[chart.name] && ((value) => open({ [picks[chart.name]]: value }))))),
    ),
  );
  if (data.diversity.length) {
    parts.push(card('How different the questions are', null, plainTable(['measure', ''], data.diversity)));
  }
  if (data.run && data.run.throughput.length > 1) {
    parts.push(
      card(
        'Over time',
        null,
        el('p', { class: 'legend' }, el('span', { class: 'key settled' }, 'rows settled, all stages'), el('span', { class: 'key kept' }, 'trajectories kept')),
        lineChart(data.run.throughput, [{ key: 'settled', name: 'rows settled', style: 'settled' }, { key: 'kept', name: 'trajectories kept', style: 'kept' }]),
      ),
    );
  }
  if (data.run && data.run.models.length) {
    parts.push(
      card(
        'Models and cost',
        'Of all starts together. What a server did not count or has no known price is unknown, never zero; the scripted model is free.',
        plainTable(
          ['model', 'roles', 'calls', 'replayed', 'prompt tokens', 'completion tokens', 'cost'],
          data.run.models.map((model) => [
            model.model, model.roles.join(', '), count(model.calls), count(model.replayed), count(model.prompt_tokens),
            count(model.completion_tokens) + (model.uncounted ? ` + ${plural(model.uncounted, 'uncounted reply')}` : ''),
            money(model.usd),
          ]),
        ),
      ),
    );
  }
  if (data.audit.length) {
    parts.push(
      card(
        'Audit',
        'What the filters let through, measured against known truth.',
        plainTable(['what', 'precision', 'recall', 'judged'], data.audit.map((line) => [line.name, line.precision, line.recall, line.support])),
      ),
    );
  }
  if (data.sources.length) {
    parts.push(
      card(
        'Data files',
        null,
        plainTable(
          ['file', 'licence', 'bytes', 'trajectories'],
          data.sources.map((source) => [source.path, source.action === 'warn' ? `${source.license} (look twice)` : source.license, count(source.size), count(source.trajectories)]),
        ),
      ),
    );
  }
  if (data.run) {
    parts.push(
      el(
        'details',
        { class: 'card' },
        el('summary', {}, 'Where it ran'),
        plainTable(
          ['what', 'value'],
          [['started', data.run.started], ['isolation', data.run.isolation], ['python', data.run.python], ['platform', data.run.platform], ['cores', data.run.cores], ...data.run.packages],
        ),
      ),
    );
  }
  page.replaceChildren(...parts);
}
