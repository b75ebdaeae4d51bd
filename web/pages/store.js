// One store: how it is configured, how it was, and a form. What is typed stays until it is saved or given up, through
// live updates, lost connections and reloads: the form is the browser's, and the draft is kept for the tab.
const ACTOR = "mooring-actor";
const BOUNDS = [["min", "Min"], ["soft_min", "Soft min"], ["soft_max", "Soft max"], ["max", "Max"]];

export default {
  template: `
    <aside class="m-side m-store" :aria-label="'Store ' + store.store" data-testid="store-panel" :data-store-key="store.id" @keydown.esc="escaped">
      <header>
        <div>
          <div class="m-path">{{ store.place }}</div>
          <h2>{{ store.name || store.store }} <span class="m-pill" :class="'m-' + store.tone" data-testid="panel-sync">{{ store.status }}</span></h2>
        </div>
        <button v-if="!form" type="button" class="m-button" data-testid="edit" @click="edit">Edit</button>
        <button type="button" class="m-button m-icon" title="Close" aria-label="Close the store" data-testid="close-store" @click="$emit('close')">
          <svg viewBox="0 0 24 24" width="18" height="18" aria-hidden="true"><path d="M6 6l12 12M18 6L6 18" /></svg>
        </button>
      </header>

      <form v-if="form" class="m-form" novalidate aria-label="Configure the store" data-testid="store-form" @submit.prevent="save">
        <div class="m-body" tabindex="-1" ref="panel">
          <p v-if="form.version !== store.version" class="m-told m-warn" role="status" data-testid="meanwhile">
            {{ store.by || 'Someone' }} configured this store while you were editing. Saving replaces that.
            <button type="button" class="m-button" @click="begin">Start from the new configuration</button>
          </p>
          <label class="m-onoff">
            <input type="checkbox" role="switch" v-model="form.synced" data-testid="synced" aria-describedby="sync-means" />
            <span>Sync is {{ form.synced ? 'on' : 'off' }}</span>
          </label>
          <p id="sync-means" class="m-muted">{{ form.synced
            ? 'Evaluations in this store count: their values are in the registry, its history and its alerts.'
            : 'Evaluations in this store do not count. The values of evaluations that are not synced appear nowhere: not in the registry, its history, an alert or a log.' }}</p>
          <div class="m-fields">
            <label><span>From when on</span>
              <input type="datetime-local" v-model="form.from" data-testid="effective-from" :aria-invalid="!!faults.effective_at" aria-describedby="from-means" />
              <small id="from-means">{{ faults.effective_at || 'Now, unless given. It holds for evaluations that ran then or later.' }}</small></label>
            <label><span>Name</span>
              <input type="text" v-model="form.name" maxlength="200" data-testid="store-name" :placeholder="store.store" :aria-invalid="!!faults.name" />
              <small v-if="faults.name" class="m-bad">{{ faults.name }}</small></label>
          </div>

          <h3>Thresholds</h3>
          <p class="m-muted">Outside min and max is critical, outside the soft ones a warning. Leave out what has no bound.</p>
          <fieldset v-for="(line, place) in form.thresholds" :key="line.id" class="m-line" data-testid="threshold-row">
            <legend class="m-hidden">Threshold {{ place + 1 }}</legend>
            <label class="m-metric"><span>Metric</span>
              <input type="text" v-model="line.metric" list="metric-codes" maxlength="255" data-testid="threshold-metric"
                     :aria-invalid="!!fault(place, 'metric')" :aria-describedby="'fault-' + line.id" /></label>
            <label v-for="[bound, label] in bounds" :key="bound"><span>{{ label }}</span>
              <input type="text" inputmode="decimal" autocomplete="off" v-model="line[bound]" :data-testid="'threshold-' + bound"
                     :aria-invalid="!!(fault(place, bound) || (line[bound] && fault(place)))" :aria-describedby="'fault-' + line.id" /></label>
            <button type="button" class="m-button m-icon" :aria-label="'Remove the thresholds of ' + (line.metric || 'this line')"
                    title="Remove" data-testid="remove-threshold" @click="remove(place)">
              <svg viewBox="0 0 24 24" width="16" height="16" aria-hidden="true"><path d="M6 6l12 12M18 6L6 18" /></svg>
            </button>
            <p :id="'fault-' + line.id" class="m-fault m-bad" role="alert" data-testid="threshold-fault">{{ told(place) }}</p>
          </fieldset>
          <button type="button" class="m-button" data-testid="add-threshold" @click="add">Add a metric</button>
          <datalist id="metric-codes"><option v-for="metric in metrics" :key="metric.code" :value="metric.code">{{ metric.label }}</option></datalist>

          <div class="m-fields">
            <label><span>Who</span>
              <input type="text" v-model="form.actor" maxlength="200" autocomplete="email" placeholder="you@example.org" data-testid="actor" :aria-invalid="!!faults.actor" />
              <small :class="{ 'm-bad': faults.actor }">{{ faults.actor || 'Goes into the timeline; this browser remembers it.' }}</small></label>
          </div>
        </div>
        <footer>
          <p v-if="failure" class="m-told m-bad" role="alert" data-testid="save-failed">{{ failure }}</p>
          <p v-if="step" class="m-told m-info" role="status" data-testid="save-progress">{{ step }}</p>
          <button type="submit" class="m-button m-primary" :disabled="!!step" data-testid="save">{{ failure && !blamed ? 'Try again' : 'Save' }}</button>
          <button type="button" class="m-button" :disabled="!!step" data-testid="cancel" @click="giveUp">Cancel</button>
        </footer>
      </form>

      <div v-else class="m-body" tabindex="0" ref="panel">
        <p>{{ store.synced ? 'Its evaluations count: their values are in the registry, its history and its alerts.'
              : 'Its evaluations do not count. The values of evaluations that are not synced appear nowhere.' }}</p>
        <dl class="m-pairs">
          <dt>{{ store.status }}</dt>
          <dd><template v-if="store.since">since <time>{{ date(store.since) }}</time> · {{ ago(store.since) }}<template v-if="store.actor">, by {{ store.actor }}</template></template>
            <template v-else>from the start</template></dd>
          <template v-if="store.ahead"><dt>Ahead</dt><dd>{{ store.ahead.synced ? 'Synced' : 'Opted out' }} from {{ date(store.ahead.at) }} on<template v-if="store.ahead.actor">, by {{ store.ahead.actor }}</template></dd></template>
          <dt>Store</dt><dd>{{ store.store }}</dd>
        </dl>
        <h3>Thresholds</h3>
        <table v-if="store.thresholds.length" class="m-table m-bounds" aria-label="Thresholds">
          <thead><tr><th scope="col">Metric</th><th v-for="[bound, label] in bounds" :key="bound" scope="col">{{ label }}</th></tr></thead>
          <tbody><tr v-for="line in store.thresholds" :key="line.code" :title="line.words" data-testid="bounds-row" :data-metric="line.code">
            <th scope="row">{{ line.label }}</th><td v-for="[bound] in bounds" :key="bound">{{ line[bound] || '–' }}</td></tr></tbody>
        </table>
        <p v-else class="m-muted">None: how much a drift matters is decided by the worker's own limits.</p>
        <h3>Timeline</h3>
        <ol v-if="store.timeline.length" class="m-history">
          <li v-for="one in store.timeline" :key="one.id" :class="one.when && 'm-' + one.when" data-testid="configuration">
            <p><b>{{ one.synced ? 'Synced' : 'Opted out' }}</b> from {{ date(one.at) }} on
              <span v-if="one.when" class="m-tag" :class="{ 'm-faint': one.when === 'ahead' }">{{ one.when === 'now' ? 'In force' : 'Ahead' }}</span></p>
            <p v-for="change in one.changes" :key="change">{{ change }}</p>
            <p v-if="!one.changes.length" class="m-muted">Nothing else changed</p>
            <small>by {{ one.actor || 'someone who was not named' }}<template v-if="one.recorded">, recorded {{ date(one.recorded) }}</template></small>
          </li>
        </ol>
        <p v-else class="m-muted">It was never configured: a store is synced unless it opts out.</p>
      </div>
    </aside>`,
  props: { store: Object, metrics: { default: () => [] } },
  emits: ["close", "check", "save"],
  data: () => ({ form: null, faults: {}, failure: "", step: "", lines: 0, now: Date.now(), bounds: BOUNDS }),
  created() {
    this.resume();
  },
  mounted() {
    this.clock = setInterval(() => (this.now = Date.now()), 5000);
  },
  unmounted() {
    clearInterval(this.clock);
    clearTimeout(this.waiting);
  },
  computed: {
    draft() {
      return `mooring-store ${this.store.id}`;
    },
    blamed() {
      return Object.keys(this.faults).length > 0;
    },
  },
  watch: {
    "store.id"() {
      this.resume();
      this.$refs.panel.scrollTop = 0;
    },
    form: {
      deep: true,
      handler(form, before) {
        if (!form) return;
        sessionStorage.setItem(this.draft, JSON.stringify(form));
        if (form !== before) return;
        clearTimeout(this.waiting);
        this.waiting = setTimeout(() => this.$emit("check", this.store.id, this.typed()), 250);
      },
    },
  },
  methods: {
    resume() {
      const kept = sessionStorage.getItem(this.draft);
      this.form = kept ? JSON.parse(kept) : null;
      this.lines = Math.max(0, ...(this.form?.thresholds || []).map((line) => line.id + 1));
      this.clean();
    },
    begin() {
      const { synced, name, version, thresholds } = this.store;
      const lines = thresholds.map((line) => ({ ...this.line(line.code), ...Object.fromEntries(BOUNDS.map(([bound]) => [bound, line[bound]])) }));
      this.form = { synced, name, version, thresholds: lines, from: "", actor: this.form?.actor ?? localStorage.getItem(ACTOR) ?? "" };
      this.clean();
    },
    edit() {
      this.begin();
      this.$nextTick(() => this.$el.querySelector("[data-testid=synced]").focus());
    },
    line(metric) {
      return { id: this.lines++, metric, min: "", soft_min: "", soft_max: "", max: "" };
    },
    add() {
      this.form.thresholds.push(this.line(""));
      this.$nextTick(() => [...this.$el.querySelectorAll("[data-testid=threshold-metric]")].at(-1).focus());
    },
    remove(place) {
      this.form.thresholds.splice(place, 1);
      this.faults = {};
      this.$nextTick(() => this.$el.querySelector("[data-testid=add-threshold]").focus());
    },
    typed() {
      const { synced, name, actor, from, thresholds } = this.form;
      return { synced, name, actor, effective_at: mooring.moment(from), thresholds };
    },
    save() {
      clearTimeout(this.waiting);
      localStorage.setItem(ACTOR, this.form.actor.trim());
      this.failure = "";
      this.step = "Sending it …";
      this.$emit("save", this.store.id, this.typed());
    },
    // What the server tells
    judge(faults) {
      this.faults = faults;
      if (this.blamed === false && !this.step) this.failure = "";
    },
    progress(step) {
      this.step = step;
    },
    fail(faults, failure) {
      this.faults = faults;
      this.failure = failure;
      this.step = "";
      this.$nextTick(() => this.$el.querySelector("[aria-invalid=true]")?.focus());
    },
    saved(id) {
      sessionStorage.removeItem(`mooring-store ${id}`);
      if (id !== this.store.id) return;
      this.form = null;
      this.clean();
      this.$nextTick(() => this.$el.querySelector("[data-testid=edit]").focus());
    },
    giveUp() {
      sessionStorage.removeItem(this.draft);
      this.form = null;
      this.clean();
      this.$nextTick(() => this.$el.querySelector("[data-testid=edit]").focus());
    },
    escaped() {
      if (!this.form) this.$emit("close");
    },
    clean() {
      clearTimeout(this.waiting);
      Object.assign(this, { faults: {}, failure: "", step: "" });
    },
    fault(place, field) {
      return this.faults[["thresholds", place, field].filter((part) => part !== undefined).join(".")];
    },
    told(place) {
      return ["metric", ...BOUNDS.map(([bound]) => bound), undefined].map((field) => this.fault(place, field)).filter(Boolean).join(" ");
    },
    ago(at) {
      return mooring.ago(at, this.now);
    },
    date: (at) => mooring.date(at),
  },
};
