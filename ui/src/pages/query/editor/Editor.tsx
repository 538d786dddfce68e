import { useEffect, useLayoutEffect, useRef } from 'react';
import { useSetting } from '../../../lib/useSetting';
import { settings } from '../../../settings';
import type { Scope } from './client';
import { createEditor, type Handle, setText } from './create';
import classes from './Editor.module.css';
import { takeEditor } from './early';

interface Props {
  value: string;
  label: string;
  autoFocus?: boolean;
  onChange: (value: string) => void;
  onRun: (value: string) => void;
  scope: Scope;
}

/** The expression of a panel: the editor that was there before the panel, or one of its own. */
export function Editor({ value, label, autoFocus, onChange, onRun, scope }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<Handle | null>(null);
  const latest = useRef({ onChange, onRun, scope });
  latest.current = { onChange, onRun, scope };
  const [autocomplete] = useSetting(settings.autocomplete);
  const [highlighting] = useSetting(settings.highlighting);
  const [linter] = useSetting(settings.linter);
  const helpers = { autocomplete, highlighting, linter };
  const initial = useRef({ value, label, autoFocus, helpers });
  /** What was last asked to be in it. */
  const given = useRef(value);

  // Before the page is painted: an editor that was there already must not blink.
  useLayoutEffect(() => {
    if (host.current === null) return;
    const { value, label, autoFocus, helpers } = initial.current;
    const owner = {
      onChange: (text: string) => latest.current.onChange(text),
      onRun: (text: string) => latest.current.onRun(text),
      scope: () => latest.current.scope,
    };
    const early = takeEditor(host.current, label);
    const handle = early?.handle ?? createEditor(host.current, value, label, helpers, owner);
    editor.current = handle;
    if (early !== null) {
      handle.owner = owner;
      const text = handle.view.state.doc.toString();
      if (text !== value) owner.onChange(text);
      if (early.run) owner.onRun(text);
    } else if (autoFocus) handle.view.focus();
    return () => {
      handle.view.destroy();
      editor.current = null;
    };
  }, []);

  useEffect(() => {
    const view = editor.current?.view;
    if (view === undefined || given.current === value) return;
    given.current = value;
    if (view.state.doc.toString() !== value) setText(view, value);
  }, [value]);

  const labelled = useRef(label);
  useEffect(() => {
    if (labelled.current === label) return;
    labelled.current = label;
    editor.current?.setLabel(label);
  }, [label]);

  const active = useRef(helpers);
  useEffect(() => {
    const before = active.current;
    if (
      before.autocomplete === autocomplete &&
      before.highlighting === highlighting &&
      before.linter === linter
    )
      return;
    active.current = { autocomplete, highlighting, linter };
    editor.current?.setHelpers(active.current);
  }, [autocomplete, highlighting, linter]);

  return <div ref={host} className={classes.editor} />;
}
