import './config';
import './styles.css';
import { findPage } from './app/pages';
import { pageOf } from './app/router';
import { setScheme } from './app/scheme';

/** After the browser has painted what is there now. */
const painted = (): Promise<void> =>
  new Promise(done => {
    requestAnimationFrame(() => setTimeout(done));
    // A page in the background paints nothing.
    setTimeout(done, 100);
  });

setScheme();
const { route, page } = findPage(pageOf(window.location.pathname));
if (route === 'graph' && page !== null) {
  // Typing can begin while the rest of the program is still on its way.
  const { placeEditor } = await import('./pages/query/editor/early');
  placeEditor();
  await painted();
}
// Asked for together; what fails here fails again, with a message, where the page is shown.
void page?.load().catch(() => {});
try {
  await import('./app/start');
} catch (error) {
  document.body.textContent = `The page could not be loaded: ${error}`;
}
