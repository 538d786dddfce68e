import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
  completionStatus,
} from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, insertNewlineAndIndent } from '@codemirror/commands';
import { bracketMatching, indentOnInput, syntaxHighlighting } from '@codemirror/language';
import { lintKeymap } from '@codemirror/lint';
import { Compartment, EditorState, type Extension, Prec } from '@codemirror/state';
import { EditorView, keymap, placeholder } from '@codemirror/view';
import { PromQLExtension } from '@prometheus-io/codemirror-promql';
import { config } from '../../../config';
import { settings } from '../../../settings';
import type { Scope } from './client';
import { completion } from './completion';
import { editorHighlight, editorTheme } from './theme';

/** Whom an editor tells; the owner may change. */
export interface Owner {
  onChange: (text: string) => void;
  onRun: (text: string) => void;
  scope: () => Scope;
}

/** What helps while typing. */
export interface Helpers {
  autocomplete: boolean;
  highlighting: boolean;
  linter: boolean;
}

/** An editor on the page, whoever it belongs to. */
export interface Handle {
  view: EditorView;
  owner: Owner;
  setHelpers: (helpers: Helpers) => void;
  setLabel: (label: string) => void;
}

function promql(helpers: Helpers, scope: () => Scope): Extension {
  const extension = new PromQLExtension()
    .activateCompletion(helpers.autocomplete)
    .activateLinter(helpers.linter)
    .setComplete({ completeStrategy: completion(scope) });
  return [extension.asExtension(), helpers.highlighting ? syntaxHighlighting(editorHighlight) : []];
}

export function setText(view: EditorView, text: string): void {
  view.dispatch({
    changes: { from: 0, to: view.state.doc.length, insert: text },
    selection: { anchor: text.length },
  });
}

/** Walks the past queries; position -1 is what was being typed. */
function walker(): (view: EditorView, by: number) => boolean {
  let at = -1;
  let typed = '';
  return (view, by) => {
    const past = settings.history.get();
    const now = view.state.doc.toString();
    if (at >= 0 && past[at] !== now) at = -1;
    if (at < 0) typed = now;
    const next = Math.min(Math.max(at + by, -1), past.length - 1);
    if (next === at) return true;
    at = next;
    setText(view, at < 0 ? typed : (past[at] ?? ''));
    return true;
  };
}

function leave(view: EditorView): boolean {
  if (completionStatus(view.state) !== null) return false;
  view.contentDOM.blur();
  return true;
}

function keys(run: (view: EditorView) => boolean): Extension {
  const walk = walker();
  return [
    Prec.high(
      keymap.of([
        { key: 'Shift-Enter', run: insertNewlineAndIndent },
        { key: 'Ctrl-ArrowUp', run: view => walk(view, 1) },
        { key: 'Ctrl-ArrowDown', run: view => walk(view, -1) },
      ]),
    ),
    keymap.of([...completionKeymap, { key: 'Enter', run }, { key: 'Escape', run: leave }]),
    keymap.of([...closeBracketsKeymap, ...historyKeymap, ...lintKeymap, ...defaultKeymap]),
  ];
}

const named = (label: string): Extension =>
  EditorView.contentAttributes.of({ 'aria-label': label, 'data-expression': '' });

/** PromQL with completion and lint. Enter runs, Shift+Enter breaks the line, Ctrl+arrows walk the history. */
export function createEditor(
  parent: Element,
  text: string,
  label: string,
  helpers: Helpers,
  owner: Owner,
): Handle {
  const language = new Compartment();
  const naming = new Compartment();
  const scope = (): Scope => handle.owner.scope();
  const run = (view: EditorView): boolean => {
    handle.owner.onRun(view.state.doc.toString());
    return true;
  };
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: text,
      extensions: [
        config.nonce === '' ? [] : EditorView.cspNonce.of(config.nonce),
        history(),
        indentOnInput(),
        bracketMatching(),
        closeBrackets(),
        autocompletion({ maxRenderedOptions: 100 }),
        EditorView.lineWrapping,
        editorTheme,
        language.of(promql(helpers, scope)),
        placeholder('Expression (Shift+Enter for a new line)'),
        naming.of(named(label)),
        keys(run),
        EditorView.updateListener.of(update => {
          if (update.docChanged) handle.owner.onChange(update.state.doc.toString());
        }),
      ],
    }),
  });
  const setHelpers = (next: Helpers): void =>
    view.dispatch({ effects: language.reconfigure(promql(next, scope)) });
  const setLabel = (next: string): void => view.dispatch({ effects: naming.reconfigure(named(next)) });
  const handle: Handle = { view, owner, setHelpers, setLabel };
  return handle;
}
