import type { Labels } from '../lib/labels';

/** Seconds and value as text. */
export type Sample = [number, string];

/** `[boundaries, lower, upper, count]`: which ends belong to the bucket, then its bounds and count as texts. */
export type Bucket = [number, string, string, string];

export interface Histogram {
  count: string;
  sum: string;
  buckets?: Bucket[] | null;
}

export interface VectorItem {
  metric: Labels;
  value?: Sample;
  histogram?: [number, Histogram];
}

export interface MatrixItem {
  metric: Labels;
  values?: Sample[];
  histograms?: [number, Histogram][];
}

/** Which endpoints a query went to, where the server tells. */
export interface QueryEndpoints {
  total: number;
  asked: number;
  skipped?: string[];
  down?: string[];
  failed?: { name: string; error: string }[];
}

interface QueryExtras {
  analysis?: Analysis;
  endpoints?: QueryEndpoints;
  /** Milliseconds of the aggregates that served it; 0 is raw. */
  resolutions?: number[];
  blocks?: BlocksRead[];
}

/** What one store has read; the statistics are counts, and bytes where the name ends in `SizeSum`. */
export interface BlocksRead {
  endpointAddr: string;
  blocks: string[];
  moreBlocks?: number;
  stats?: Record<string, number | string>;
}

export type QueryData = QueryExtras &
  (
    | { resultType: 'vector'; result: VectorItem[] }
    | { resultType: 'matrix'; result: MatrixItem[] }
    | { resultType: 'scalar'; result: Sample }
    | { resultType: 'string'; result: Sample }
  );

export interface FanoutEntry {
  endpointAddr?: string;
  duration?: string;
  bytesProcessed?: number;
  numResponses?: number;
  series?: number;
  chunks?: number;
  samples?: number;
  /** Why the answer ended early. */
  error?: string;
}

export interface Analysis {
  name?: string;
  executionTime?: string;
  peakSamples?: number;
  totalSamples?: number;
  fanout?: FanoutEntry[];
  children?: Analysis[];
}

export interface Explanation {
  name: string;
  children?: Explanation[] | null;
}

export interface Exemplar {
  labels: Labels;
  value: string;
  timestamp: number;
}

export interface ExemplarSeries {
  seriesLabels: Labels;
  exemplars: Exemplar[];
}

export interface TsdbInfo {
  labels: Labels;
  minTime: number;
  maxTime: number;
}

export interface Endpoint {
  name: string;
  lastCheck: string;
  lastError: string | null;
  labelSets: Labels[] | null;
  minTime: number;
  maxTime: number;
  strict?: boolean;
  queryable?: boolean;
  apis?: string[];
  tsdbInfos?: TsdbInfo[];
  version?: string;
}

export type Endpoints = Record<string, Endpoint[]>;

export interface Alert {
  labels: Labels;
  annotations: Labels;
  state: string;
  activeAt?: string;
  value: string;
  partialResponseStrategy?: string;
}

export interface Rule {
  type: 'alerting' | 'recording';
  name: string;
  query: string;
  labels?: Labels | null;
  annotations?: Labels | null;
  alerts?: Alert[] | null;
  state?: string;
  duration?: number;
  keepFiringFor?: number;
  health: string;
  lastError?: string;
  lastEvaluation: string;
  evaluationTime: number;
  sources?: string[];
}

export interface RuleGroup {
  name: string;
  file: string;
  interval: number;
  rules: Rule[];
  lastEvaluation?: string;
  evaluationTime?: number;
  sources?: string[];
}

export interface Target {
  discoveredLabels: Labels | null;
  labels: Labels;
  scrapePool: string;
  scrapeUrl: string;
  globalUrl?: string;
  lastError: string;
  lastScrape: string;
  lastScrapeDuration: number;
  health: string;
  scrapeInterval?: string;
  scrapeTimeout?: string;
  sources?: string[];
}

export interface DroppedTarget {
  discoveredLabels: Labels;
  sources?: string[];
}

export interface Targets {
  activeTargets: Target[] | null;
  droppedTargets?: DroppedTarget[] | null;
}

export interface CountedName {
  name: string;
  value: number;
}

export interface TsdbStatus {
  headStats: {
    numSeries: number;
    numLabelPairs: number;
    chunkCount: number;
    minTime: number;
    maxTime: number;
  };
  seriesCountByMetricName: CountedName[] | null;
  labelValueCountByLabelName: CountedName[] | null;
  memoryInBytesByLabelName: CountedName[] | null;
  seriesCountByLabelValuePair: CountedName[] | null;
}

export interface Metadata {
  type: string;
  help: string;
  unit: string;
}
