// Grafana's own types for what the boards use. In JSON the words of an enum are plain text, and what is left out has a default.
import type { AnnotationQuery, Dashboard, DataQuery, FieldConfigSource, GraphFieldConfig, Panel, TableFieldOptions, VariableModel } from "@grafana/schema";
import type { Options as BarGauge } from "@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen";
import type { Options as Stat } from "@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen";
import type {
  FieldConfig as StateField,
  Options as StateTimeline,
} from "@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen";
import type { Options as Table } from "@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen";
import type { Options as Text } from "@grafana/schema/dist/esm/raw/composable/text/panelcfg/x/TextPanelCfg_types.gen";
import type { Options as TimeSeries } from "@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen";

type Plain<T> = T extends string
  ? `${T}`
  : T extends number | boolean | null | undefined
    ? T
    : T extends Array<infer Item>
      ? Array<Plain<Item>>
      : T extends object
        ? { [Name in keyof T]: Plain<T[Name]> }
        : T;

// Prometheus' query is no part of the package; these are the fields of its editor.
interface Query extends DataQuery {
  expr: string;
  format?: "heatmap" | "table" | "time_series";
  instant?: boolean;
  interval?: string;
  legendFormat?: string;
  range?: boolean;
}

type Of<Type extends string, Options, Custom = Record<string, never>> = Omit<
  Panel,
  "type" | "options" | "fieldConfig" | "targets"
> & {
  type: Type;
  targets?: Query[];
  options?: Partial<Options>;
  fieldConfig?: FieldConfigSource<Partial<Custom>>;
};

type Shown =
  | Of<"bargauge", BarGauge>
  | Of<"stat", Stat>
  | Of<"state-timeline", StateTimeline, StateField>
  | Of<"table", Table & { footer?: object }, TableFieldOptions> // Grafana 12 had a footer
  | Of<"text", Text>
  | Of<"timeseries", TimeSeries, GraphFieldConfig>;

// What Prometheus' data source reads of a mark.
interface Mark extends AnnotationQuery<Query> {
  textFormat?: string;
  titleFormat?: string;
  useValueForTime?: boolean;
}

// The SDK writes the fields of an interval at every variable; Grafana reads them at intervals only.
type Variable = VariableModel & { auto?: boolean; auto_count?: number; auto_min?: string };

export type Board = Plain<
  Omit<Dashboard, "annotations" | "panels" | "templating"> & {
    annotations: { list: Mark[] };
    panels: Shown[];
    templating: { list: Variable[] };
  }
>;
