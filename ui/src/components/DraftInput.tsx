import { TextInput, type TextInputProps } from '@mantine/core';
import { useEffect, useState } from 'react';

interface Props extends Omit<TextInputProps, 'value' | 'onChange'> {
  value: string;
  /** What is wrong with a text; null when it can be taken. */
  check: (text: string) => string | null;
  onApply: (text: string) => void;
}

/** A text that counts on Enter or when the field is left, if it can be read. */
export function DraftInput({ value, check, onApply, ...rest }: Props) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const wrong = check(text);
  const apply = (): void => {
    if (wrong === null && text !== value) onApply(text);
  };
  return (
    <TextInput
      {...rest}
      value={text}
      error={wrong}
      onChange={event => setText(event.currentTarget.value)}
      onBlur={apply}
      onKeyDown={event => event.key === 'Enter' && apply()}
    />
  );
}
