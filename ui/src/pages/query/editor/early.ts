import { settings } from '../../../settings';
import { defaults } from '../defaults';
import { scopeOf } from '../request';
import { parsePanels } from '../urlState';
import { createEditor, type Handle, type Owner } from './create';
import classes from './Editor.module.css';
import './early.css';

/** The label of the editor of a panel, from 0. */
export const editorLabel = (panel: number): string => `Expression ${panel + 1}`;

interface Early {
  /** Covers the page until the panel takes the editor over. */
  cover: HTMLElement;
  handle: Handle;
  /** Enter was pressed already. */
  run: boolean;
}

let early: Early | null = null;

function element(className: string, ...children: Element[]): HTMLElement {
  const made = document.createElement('div');
  made.className = className;
  made.append(...children);
  return made;
}

/**
 * Makes the editor of the first panel before the rest of the program is there, where the panel will have it. What is typed,
 * selected or undone in it stays, since the panel takes over this very editor.
 */
export function placeEditor(): void {
  const [panel] = parsePanels(window.location.search, defaults);
  if (panel === undefined || early !== null) return;
  const host = element(`early-editor ${classes.editor}`);
  const cover = element(
    'early',
    element('early-header'),
    element(
      'early-panel',
      host,
      element('early-button'),
      element('early-button'),
      element('early-button early-run'),
    ),
  );
  cover.dataset.cover = '';
  document.body.append(cover);
  const owner: Owner = {
    onChange: () => {},
    onRun: () => {
      if (early !== null) early.run = true;
    },
    scope: () => scopeOf(panel),
  };
  const helpers = {
    autocomplete: settings.autocomplete.get(),
    highlighting: settings.highlighting.get(),
    linter: settings.linter.get(),
  };
  const handle = createEditor(host, panel.expr, editorLabel(0), helpers, owner);
  early = { cover, handle, run: false };
  if (panel.expr === '') handle.view.focus();
}

/** Moves the editor into `host`, with focus and selection, which a browser takes from what is moved. */
function move(view: Handle['view'], host: HTMLElement): void {
  const focused = view.hasFocus;
  const { dom } = view;
  if (dom.isConnected && 'moveBefore' in host)
    (host as { moveBefore(node: Node, before: null): void }).moveBefore(dom, null);
  else (host as HTMLElement).append(dom);
  if (!focused) return;
  view.focus();
  const { anchor, head } = view.state.selection.main;
  const [from, to] = [view.domAtPos(anchor), view.domAtPos(head)];
  document.getSelection()?.setBaseAndExtent(from.node, from.offset, to.node, to.offset);
}

/** The editor made early, for the panel that shows this text under this label; null when there is none. */
export function takeEditor(host: HTMLElement, label: string): { handle: Handle; run: boolean } | null {
  if (early === null || label !== editorLabel(0)) return null;
  const { cover, handle, run } = early;
  early = null;
  move(handle.view, host);
  cover.remove();
  return { handle, run };
}
