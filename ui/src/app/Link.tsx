import { Anchor, type AnchorProps } from '@mantine/core';
import type { MouseEvent, ReactNode } from 'react';
import { navigate } from './router';

interface Props extends AnchorProps {
  href: string;
  children: ReactNode;
  title?: string;
}

/** Does a click mean "here", not "in a new tab"? */
export function isPlainClick(event: MouseEvent): boolean {
  return event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
}

/** A link to one of our pages, without loading the index again. */
export function Link({ href, children, ...rest }: Props) {
  return (
    <Anchor
      {...rest}
      href={href}
      onClick={event => {
        if (!isPlainClick(event)) return;
        event.preventDefault();
        navigate(href);
      }}
    >
      {children}
    </Anchor>
  );
}
