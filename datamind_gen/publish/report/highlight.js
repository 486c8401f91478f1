// Python in colour: one pass over the code, each token a span with its text.

const PYTHON = new RegExp(
  [
    '(?<comment>#[^\\n]*)',
    '(?<string>[rbfRBF]{0,2}(?:"""[\\s\\S]*?(?:"""|$)|\'\'\'[\\s\\S]*?(?:\'\'\'|$)' +
      '|"(?:\\\\.|[^"\\\\\\n])*"?|\'(?:\\\\.|[^\'\\\\\\n])*\'?))',
    '(?<number>\\b\\d[\\d_]*(?:\\.\\d+)?(?:[eE][+-]?\\d+)?\\b)',
    '(?<keyword>\\b(?:and|as|assert|async|await|break|class|continue|def|del|elif|else|except|finally|for|from' +
      '|global|if|import|in|is|lambda|nonlocal|not|or|pass|raise|return|try|while|with|yield' +
      '|True|False|None)\\b)',
    '(?<call>\\b[A-Za-z_]\\w*(?=\\())',
  ].join('|'),
  'g',
);

function highlight(code) {
  const lines = el('code');
  let position = 0;
  for (const match of code.matchAll(PYTHON)) {
    if (match.index > position) lines.append(code.slice(position, match.index));
    const kind = Object.keys(match.groups).find((name) => match.groups[name] !== undefined);
    lines.append(el('span', { class: `py-${kind}` }, match[0]));
    position = match.index + match[0].length;
  }
  lines.append(code.slice(position));
  return el('pre', { class: 'code', tabindex: '0' }, lines);
}
