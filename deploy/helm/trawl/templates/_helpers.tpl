{{/* The name that all objects of a release begin with. */}}
{{- define "trawl.fullname" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-{{ .Chart.Name }}{{ end -}}
{{- end }}

{{/* What never changes of a service's labels: selectors use it. Wants (dict "root" $ "service" NAME). */}}
{{- define "trawl.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .service }}
{{- end }}

{{- define "trawl.labels" -}}
{{ include "trawl.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: trawl
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "trawl.secret" -}}
{{ .Values.secrets.existingSecret | default (printf "%s-secrets" (include "trawl.fullname" .)) }}
{{- end }}

{{- define "trawl.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}
