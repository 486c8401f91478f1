// The pictures: bars, the coverage matrix, lines over time. Colours come from style.css.

function barChart(bars, onPick) {
  const most = Math.max(1, ...bars.map(([, value]) => value));
  return el(
    'ul',
    { class: 'bars' },
    bars.map(([label, value]) =>
      el(
        'li',
        { title: `${words(label)}: ${count(value)}`, class: onPick ? 'pick' : null, onclick: onPick && (() => onPick(label)) },
        el('span', { class: 'bar-label' }, words(label)),
        el('span', { class: 'bar-track' }, el('span', { class: 'bar-fill', style: { width: `${(100 * value) / most}%` } })),
        el('span', { class: 'bar-value' }, count(value)),
      ),
    ),
  );
}

function funnelChart(stages, onPick) {
  const total = (pairs) => pairs.reduce((sum, [, value]) => sum + value, 0);
  return el(
    'div',
    { class: 'funnel' },
    stages.map((stage) => {
      const parts = [['kept', stage.kept], ['rejected', total(stage.rejected)], ['failed', total(stage.failed)]];
      const all = Math.max(1, parts.reduce((sum, [, value]) => sum + value, 0));
      const reasons = [
        ...stage.rejected.map((pair) => [...pair, 'rejected']),
        ...stage.failed.map((pair) => [...pair, 'failed']),
      ].sort((a, b) => b[1] - a[1]);
      return el(
        'div',
        { class: 'funnel-row' },
        el('span', { class: 'funnel-name' }, stage.stage, el('small', {}, ` ${stage.unit}`)),
        el(
          'span',
          { class: 'stack', role: 'img', 'aria-label': parts.map(([name, value]) => `${name} ${value}`).join(', ') },
          parts.map(([name, value]) =>
            value
              ? el(
                  'span',
                  { class: `part ${name}`, title: `${name}: ${count(value)}`, style: { 'flex-grow': value } },
                  value / all > 0.06 ? count(value) : '',
                )
              : null,
          ),
        ),
        el(
          'span',
          { class: 'reasons' },
          reasons.map(([reason, value, status]) =>
            el('button', { type: 'button', class: `reason ${status}`, onclick: () => onPick(reason) }, `${words(reason)} ${count(value)}`),
          ),
        ),
      );
    }),
  );
}

function matrixTable(matrix, onPick) {
  const most = Math.max(1, ...matrix.kept.flat());
  return el(
    'table',
    { class: 'matrix' },
    el('thead', {}, el('tr', {}, el('th', {}), matrix.formats.map((kind) => el('th', { scope: 'col' }, kind)), el('th', { scope: 'col' }, 'all'))),
    el(
      'tbody',
      {},
      matrix.categories.map((category, y) =>
        el(
          'tr',
          {},
          el('th', { scope: 'row' }, words(category)),
          matrix.formats.map((kind, x) => {
            const kept = matrix.kept[y][x];
            const planned = matrix.planned[y][x];
            const share = kept / most;
            return el(
              'td',
              {
                class: kept ? (share > 0.55 ? 'cell deep pick' : 'cell pick') : 'cell none',
                style: { '--share': share.toFixed(3) },
                title: `${words(category)}, ${kind}: ${kept} kept${planned ? ` of ${plural(planned, 'query')}` : ''}`,
                onclick: () => onPick(category, kind),
              },
              kept || planned ? count(kept) : '·',
            );
          }),
          el('td', { class: 'sum' }, count(matrix.kept[y].reduce((sum, value) => sum + value, 0))),
        ),
      ),
    ),
  );
}

function lineChart(points, series) {
  const [width, height, left, bottom] = [640, 180, 44, 24];
  const end = Math.max(1, points[points.length - 1].at_s);
  const top = Math.max(1, ...points.flatMap((point) => series.map((one) => point[one.key] ?? 0)));
  const x = (at) => left + ((width - left - 8) * at) / end;
  const y = (value) => 8 + (height - bottom - 8) * (1 - value / top);
  const label = (text, place) => svg('text', { class: 'axis', ...place }, text);
  return svg(
    'svg',
    { viewBox: `0 0 ${width} ${height}`, class: 'lines', role: 'img', 'aria-label': series.map((one) => one.name).join(' and ') + ' over time' },
    [0, 0.5, 1].map((part) => [
      svg('line', { class: 'grid', x1: left, x2: width - 8, y1: y(top * part), y2: y(top * part) }),
      label(count(Math.round(top * part)), { x: left - 6, y: y(top * part) + 4, 'text-anchor': 'end' }),
    ]),
    [0, 0.5, 1].map((part) => label(duration(end * part), { x: x(end * part), y: height - 6, 'text-anchor': part === 1 ? 'end' : part ? 'middle' : 'start' })),
    series.map((one) =>
      svg('polyline', {
        class: `line ${one.style}`,
        points: points.filter((point) => point[one.key] !== null).map((point) => `${x(point.at_s).toFixed(1)},${y(point[one.key]).toFixed(1)}`).join(' '),
      }),
    ),
  );
}
