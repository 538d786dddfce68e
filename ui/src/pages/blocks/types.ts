import type { Labels } from '../../lib/labels';

/** A block as `/blocks/overview` tells it; times in milliseconds. */
export interface Block {
  id: string;
  minTime: number;
  maxTime: number;
  /** Place in `labelSets`. */
  set: number;
  level: number;
  resolution: number;
  source: string;
  series: number;
  samples: number;
  chunks: number;
  indexBytes: number;
  chunkBytes: number;
  totalBytes: number;
  parents?: string[];
  /** Seconds. */
  uploadTime?: number;
}

export type MarkKind = 'deletion' | 'no-compact' | 'no-downsample';

export interface Mark {
  id: string;
  kind: MarkKind;
  /** Seconds. */
  time: number;
  details: string;
  reason: string;
}

export interface Overview {
  /** The label that lanes are named by; empty for all labels. */
  label: string;
  refreshedAt: string;
  err: string | null;
  admin: boolean;
  labelSets: Labels[];
  blocks: Block[];
  marks: Mark[];
  partial: { id: string; reason: string }[];
}

export interface Job {
  kind: 'compaction' | 'downsampling';
  state: 'planned' | 'running';
  group: string;
  labels: Labels;
  resolution: number;
  minTime: number;
  maxTime: number;
  blocks: string[];
}

export interface Plan {
  computedAt: string;
  jobs: Job[];
  quarantined: { group: string; labels: Labels; blocks: string[]; error: string }[];
}

/** The server's word for a mark in requests. */
export const actions: Record<MarkKind, string> = {
  deletion: 'DELETION',
  'no-compact': 'NO_COMPACTION',
  'no-downsample': 'NO_DOWNSAMPLE',
};

export const markNames: Record<MarkKind, string> = {
  deletion: 'deletion',
  'no-compact': 'no compaction',
  'no-downsample': 'no downsampling',
};

export function resolutionName(ms: number): string {
  return ms === 0 ? 'raw' : ms === 300_000 ? '5m' : ms === 3_600_000 ? '1h' : `${ms} ms`;
}
