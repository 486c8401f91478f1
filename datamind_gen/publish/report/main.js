// Opens the data and follows the address: #overview, #reader, #case=ID.

async function start() {
  const [overview, index] = await Promise.all([unpack('data-overview'), unpack('data-index')]);
  const reader = new Reader(index, overview.cases);
  const open = (wanted) => { reader.filter(wanted); location.hash = 'reader'; };
  drawOverview(overview, open);
  reader.refresh();

  const follow = async () => {
    const [page, id] = location.hash.slice(1).split('=');
    const isReader = page === 'reader' || page === 'case';
    byId('overview-page').hidden = isReader;
    byId('reader-page').hidden = !isReader;
    byId('to-overview').classList.toggle('here', !isReader);
    byId('to-reader').classList.toggle('here', isReader);
    if (isReader) await reader.show(page === 'case' ? decodeURIComponent(id) : null);
    else document.body.classList.remove('reading');
    document.body.dataset.ready = location.hash || '#overview';
  };
  window.addEventListener('hashchange', follow);
  byId('wait').remove();
  await follow();
}

byId('theme').addEventListener('click', () => {
  const root = document.documentElement;
  const isDark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = isDark ? 'light' : 'dark';
});

start().catch((error) => {
  byId('wait').textContent = `This report cannot be opened here: ${error.message}`;
  document.body.dataset.ready = 'error';
});
