import { ActionIcon } from '@mantine/core';
import { IconChevronDown, IconChevronRight } from '@tabler/icons-react';
import { type ReactNode, useState } from 'react';
import classes from './TreeNode.module.css';

interface Props {
  name: string;
  /** May take what opens and closes the node, to do it at a click on its figures. */
  content: ReactNode | ((toggle: () => void) => ReactNode);
  children?: ReactNode[];
}

/** A node that opens and closes; open at first. */
export function TreeNode({ name, content, children = [] }: Props) {
  const [open, setOpen] = useState(true);
  const toggle = (): void => setOpen(!open);
  const Icon = open ? IconChevronDown : IconChevronRight;
  return (
    <li className={classes.node}>
      <div className={classes.line}>
        {children.length > 0 ? (
          <ActionIcon
            size="xs"
            variant="subtle"
            color="gray"
            aria-label={`${open ? 'Close' : 'Open'} ${name}`}
            aria-expanded={open}
            onClick={toggle}
          >
            <Icon />
          </ActionIcon>
        ) : (
          <span className={classes.leaf} />
        )}
        <div className={classes.content}>{typeof content === 'function' ? content(toggle) : content}</div>
      </div>
      {open && children.length > 0 && <ul className={classes.children}>{children}</ul>}
    </li>
  );
}

export function Tree({ label, children }: { label: string; children: ReactNode }) {
  return (
    <ul className={classes.tree} aria-label={label}>
      {children}
    </ul>
  );
}
