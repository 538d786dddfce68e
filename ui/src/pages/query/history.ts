import { settings } from '../../settings';

const longest = 50;

/** Is it worth keeping? Names of metrics alone are not. */
export function isKept(expr: string): boolean {
  return expr.trim() !== '' && !/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(expr.trim());
}

/** The history with `expr` in front. */
export function withExpr(history: readonly string[], expr: string): string[] {
  return [expr, ...history.filter(entry => entry !== expr)].slice(0, longest);
}

export function remember(expr: string): void {
  if (settings.keepHistory.get() && isKept(expr))
    settings.history.set(withExpr(settings.history.get(), expr));
}
