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
import { useEffect, useRef } from 'react';
import { config } from '../../../config';
import { useSetting } from '../../../lib/storage';
import { settings } from '../../../settings';
import type { Scope } from './client';
import { completion } from './completion';
import classes from './Editor.module.css';
import { editorHighlight, editorTheme } from './theme';

interface Props {
  value: string;
  label: string;
  autoFocus?: boolean;
  onChange: (value: string) => void;
  onRun: (value: string) => void;
  scope: Scope;
}

interface Wishes {
  autocomplete: boolean;
  highlighting: boolean;
  linter: boolean;
}

function promql(wishes: Wishes, scope: () => Scope): Extension {
  const extension = new PromQLExtension()
    .activateCompletion(wishes.autocomplete)
    .activateLinter(wishes.linter)
    .setComplete({ completeStrategy: completion(scope) });
  return [extension.asExtension(), wishes.highlighting ? syntaxHighlighting(editorHighlight) : []];
}

function setText(view: EditorView, text: string): void {
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

/** PromQL with completion and lint. Enter runs, Shift+Enter breaks the line, Ctrl+arrows walk the history. */
export function Editor({ value, label, autoFocus, onChange, onRun, scope }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const language = useRef(new Compartment());
  const latest = useRef({ onChange, onRun, scope });
  latest.current = { onChange, onRun, scope };
  const [autocomplete] = useSetting(settings.autocomplete);
  const [highlighting] = useSetting(settings.highlighting);
  const [linter] = useSetting(settings.linter);
  const initial = useRef({ value, label, autoFocus, wishes: { autocomplete, highlighting, linter } });

  useEffect(() => {
    if (host.current === null) return;
    const walk = walker();
    const { value, label, autoFocus, wishes } = initial.current;
    const run = (view: EditorView): boolean => {
      latest.current.onRun(view.state.doc.toString());
      return true;
    };
    const leave = (view: EditorView): boolean => {
      if (completionStatus(view.state) !== null) return false;
      view.contentDOM.blur();
      return true;
    };
    const editor = new EditorView({
      parent: host.current,
      state: EditorState.create({
        doc: value,
        extensions: [
          config.nonce === '' ? [] : EditorView.cspNonce.of(config.nonce),
          history(),
          indentOnInput(),
          bracketMatching(),
          closeBrackets(),
          autocompletion({ maxRenderedOptions: 100 }),
          EditorView.lineWrapping,
          editorTheme,
          language.current.of(promql(wishes, () => latest.current.scope)),
          placeholder('Expression (Shift+Enter for a new line)'),
          EditorView.contentAttributes.of({ 'aria-label': label, 'data-expression': '' }),
          Prec.high(
            keymap.of([
              { key: 'Shift-Enter', run: insertNewlineAndIndent },
              { key: 'Ctrl-ArrowUp', run: view => walk(view, 1) },
              { key: 'Ctrl-ArrowDown', run: view => walk(view, -1) },
            ]),
          ),
          keymap.of([...completionKeymap, { key: 'Enter', run }, { key: 'Escape', run: leave }]),
          keymap.of([...closeBracketsKeymap, ...historyKeymap, ...lintKeymap, ...defaultKeymap]),
          EditorView.updateListener.of(update => {
            if (update.docChanged) latest.current.onChange(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = editor;
    if (autoFocus) editor.focus();
    return () => {
      editor.destroy();
      view.current = null;
    };
  }, []);

  useEffect(() => {
    const editor = view.current;
    if (editor !== null && editor.state.doc.toString() !== value) setText(editor, value);
  }, [value]);

  useEffect(() => {
    const wishes = { autocomplete, highlighting, linter };
    const scope = (): Scope => latest.current.scope;
    view.current?.dispatch({ effects: language.current.reconfigure(promql(wishes, scope)) });
  }, [autocomplete, highlighting, linter]);

  return <div ref={host} className={classes.editor} />;
}
