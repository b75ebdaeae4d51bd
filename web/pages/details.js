// One version in full, beside the list.
const WIDTH = "mooring-details-width";
const LEAST = 420;

export default {
  template: `
    <aside class="m-details" :aria-label="version ? 'Details of ' + version.name : 'Details'" data-testid="details-panel"
           :data-version-key="version ? version.key : null">
      <div class="m-drag" role="separator" aria-orientation="vertical" aria-label="Width of the details" tabindex="0"
           :aria-valuenow="width" :aria-valuemin="least" :aria-valuemax="most" data-testid="details-width"
           @pointerdown="grab" @keydown.left.prevent="resize(width + 40)" @keydown.right.prevent="resize(width - 40)"></div>
      <header>
        <div v-if="version">
          <p class="m-path">{{ version.path }}</p>
          <h2 ref="heading" tabindex="-1">{{ version.name }}
            <span v-if="version.active" class="m-tag">Active</span>
            <span v-if="version.archived" class="m-tag m-faint">Archived</span>
            <span class="m-pill" :class="'m-' + version.tone">{{ version.status }}</span>
          </h2>
        </div>
        <div v-else><h2 ref="heading" tabindex="-1">No such version</h2></div>
        <div class="m-tools">
          <slot></slot>
          <button type="button" class="m-button m-icon" aria-label="Close details" title="Close (Esc)" data-testid="close-details"
                  @click="close">
            <svg viewBox="0 0 24 24" width="18" height="18" aria-hidden="true"><path d="m6 6 12 12M18 6 6 18" /></svg>
          </button>
        </div>
      </header>
      <div v-if="!version" class="m-empty" data-testid="unknown-version">
        <p><code>{{ unknown }}</code></p>
        <p>No version with this key has been reported. As soon as it is, it appears here.</p>
        <p class="m-muted">A key reads node/project/model/version. Perhaps the link was cut short.</p>
        <button type="button" class="m-button" @click="close">Back to the list</button>
      </div>
      <template v-else>
        <div class="m-tabs" role="tablist" aria-label="Details" @keydown.left.prevent="step(-1)" @keydown.right.prevent="step(1)"
             @keydown.home.prevent="turn(0)" @keydown.end.prevent="turn(tabs.length - 1)">
          <button v-for="each in tabs" :key="each.name" type="button" role="tab" :id="'tab-' + each.name" ref="tabs"
                  :aria-selected="tab === each.name" :tabindex="tab === each.name ? 0 : -1" aria-controls="tab-panel"
                  :data-testid="each.testid" @click="$emit('tab', each.name)">
            {{ each.label }}<small v-if="each.count">{{ each.count }}</small>
          </button>
        </div>
        <div id="tab-panel" ref="panel" class="m-panel" role="tabpanel" tabindex="0" :aria-labelledby="'tab-' + tab">
          <template v-if="tab === 'overview'">
            <dl class="m-figures" data-testid="figures">
              <div><dt :title="body.hint">{{ body.focus }}</dt><dd>{{ body.value }}<small v-if="body.interval"
                :title="body.certainty" data-testid="interval">{{ body.interval }}</small></dd></div>
              <div><dt>Initial</dt><dd>{{ body.initial }}<small v-if="body.deviation">{{ body.deviation }} over folds</small></dd></div>
              <div><dt>Drift</dt><dd :class="'m-' + body.drift.tone"><span>{{ body.drift.arrow }}</span> {{ body.drift.text }}
                <em>{{ body.drift.word }}</em><small v-if="body.chance" :title="chanceMeans" data-testid="chance">{{ body.chance }}</small></dd></div>
              <div><dt>Change</dt><dd :class="'m-' + body.change.tone"><span>{{ body.change.arrow }}</span> {{ body.change.text }}
                <em>{{ body.change.word }}</em></dd></div>
              <div><dt>Data drift</dt><dd>{{ body.data_drift }}</dd></div>
            </dl>
            <p class="m-note" data-testid="active-version" :class="{ 'm-good': body.active.this }">
              <template v-if="body.active.key">Active version of this model:
                <a :href="'/?version=' + encodeURIComponent(body.active.key)" @click.exact.prevent="$emit('open', body.active.key)">{{
                  body.active.name }}</a><span v-if="body.value !== '–'">, {{ body.focus }} {{ body.active.value }}</span></template>
              <template v-else>{{ body.active.text }}</template>
            </p>
            <dl class="m-facts">
              <template v-for="fact in body.facts" :key="fact.label">
                <dt>{{ fact.label }}</dt>
                <dd>
                  <time v-if="fact.at" :datetime="iso(fact.at)">{{ date(fact.at) }} · {{ ago(fact.at) }}</time>
                  <a v-else-if="fact.href" :href="fact.href" target="_blank" rel="noopener noreferrer">{{ fact.text }}</a>
                  <template v-else>{{ fact.text }}</template>
                </dd>
              </template>
            </dl>
            <h3>Deployments</h3>
            <ul v-if="body.deployments.length" class="m-items" data-testid="deployments">
              <li v-for="each in body.deployments" :key="each.where + each.stage"><b>{{ each.where }}</b>
                <span v-if="each.stage" class="m-pill m-info">{{ each.stage }}</span>
                <small>since <time :datetime="iso(each.at)" :title="date(each.at)">{{ ago(each.at) }}</time></small></li>
            </ul>
            <p v-else class="m-muted">No deployment is known.</p>
            <template v-if="body.labels.length">
              <h3>Labels</h3>
              <ul class="m-labels"><li v-for="label in body.labels" :key="label">{{ label }}</li></ul>
            </template>
            <template v-if="body.lifecycle.length">
              <h3>Life cycle</h3>
              <ol class="m-items"><li v-for="each in body.lifecycle" :key="each.text">{{ each.text }}
                <small><time :datetime="iso(each.at)" :title="date(each.at)">{{ ago(each.at) }}</time></small></li></ol>
            </template>
          </template>

          <template v-else-if="tab === 'metrics'">
            <dl class="m-figures m-three">
              <div><dt>Active version</dt><dd class="m-name" data-testid="metrics-active">
                <template v-if="body.active.this">This one</template>
                <a v-else-if="body.active.key" :href="'/?version=' + encodeURIComponent(body.active.key)"
                   @click.exact.prevent="$emit('open', body.active.key)">{{ body.active.name }}</a>
                <template v-else>None</template></dd></div>
              <div><dt>Data drift</dt><dd>{{ body.data_drift }}</dd></div>
              <div><dt>Since the build</dt><dd class="m-name"><span class="m-bad">{{ body.worse }} worse</span>,
                <span class="m-good">{{ body.better }} better</span></dd></div>
            </dl>
            <table v-if="body.rows.length" class="m-table m-metrics" aria-label="Model metrics">
              <thead><tr><th scope="col">Metric</th><th scope="col">Initial<small>± K-fold</small></th>
                <th scope="col">Current<small>change</small></th><th scope="col">Drift</th><th scope="col">Evaluated<small>store</small></th></tr></thead>
              <tbody>
                <tr v-for="metric in body.rows" :key="metric.code" data-testid="metric-row"
                    :data-metric="metric.code" :class="{ 'm-selected': metric.code === body.focus }">
                  <th scope="row"><button type="button" class="m-link" :title="metric.hint + '. Show its history'"
                      @click="$emit('metric', metric.code)">{{ metric.label }}</button><small v-if="metric.custom">custom</small></th>
                  <td><span data-testid="metric-initial">{{ metric.initial }}</span>
                    <small v-if="metric.deviation" data-testid="metric-deviation" title="Standard deviation over the folds of the cross validation">{{
                      metric.deviation }}</small>
                    <small v-if="metric.initial_interval" :title="metric.initial_certainty">{{ metric.initial_interval }}</small></td>
                  <td><b :class="flash[metric.code]" data-testid="metric-value">{{ metric.value }}</b>
                    <small v-if="metric.interval" :title="metric.certainty" data-testid="metric-interval">{{ metric.interval }}</small>
                    <small v-if="metric.change.text !== '–'" :class="'m-' + metric.change.tone" data-testid="metric-change"
                      title="Change since the previous evaluation" :aria-label="'changed by ' + metric.change.text + ' ' + metric.change.word">{{
                      metric.change.arrow }} {{ metric.change.text }} {{ metric.change.word }}</small></td>
                  <td class="m-col-drift" :class="'m-' + metric.drift.tone" data-testid="metric-drift"
                      :aria-label="metric.drift.text + ' ' + metric.drift.word">
                    <span>{{ metric.drift.arrow }}</span> {{ metric.drift.text }} <em>{{ metric.drift.word }}</em>
                    <small v-if="metric.chance" class="m-muted" :title="chanceMeans" data-testid="metric-chance">{{ metric.chance }}</small></td>
                  <td class="m-when" :title="metric.where">
                    <time v-if="metric.at" :datetime="iso(metric.at)" :title="date(metric.at)">{{ ago(metric.at) }}</time>
                    <small v-if="metric.at">{{ metric.store }}</small>
                    <span v-else>–</span>
                  </td>
                </tr>
              </tbody>
            </table>
            <p v-else class="m-muted">No metric is known of this version yet.</p>
          </template>

          <template v-else-if="tab === 'history'">
            <label class="m-choice m-focus"><span>Metric</span>
              <select :value="body.metric" data-testid="history-metric" @change="$emit('metric', $event.target.value)">
                <option v-for="each in body.metrics" :key="each.code" :value="each.code">{{ each.label }}</option>
              </select>
            </label>
            <slot name="chart"></slot>
          </template>

          <template v-else-if="tab === 'alerts'">
            <p v-if="!body.rows.length" class="m-muted">No drift alert has been raised for this version.</p>
            <ol class="m-timeline">
              <li v-for="alert in body.rows" :key="alert.id" data-testid="version-alert" :data-alert-id="alert.id">
                <span class="m-pill" :class="'m-' + alert.tone">{{ alert.severity }}</span>
                <div><p>{{ alert.reason }}</p>
                  <small><time :datetime="iso(alert.at)" :title="date(alert.at)">{{ ago(alert.at) }}</time> · {{ alert.where }}</small></div>
              </li>
            </ol>
            <div v-if="body.more" class="m-foot"><button type="button" class="m-button" @click="$emit('more')">Show more</button></div>
          </template>

          <template v-else-if="tab === 'evaluations'">
            <p v-if="!body.rows.length" class="m-muted">No evaluation of this version has been reported yet.</p>
            <ol class="m-timeline m-evaluations">
              <li v-for="each in body.rows" :key="each.id" data-testid="evaluation" :data-event-id="each.id" :data-outcome="each.outcome">
                <span class="m-pill" :class="'m-' + each.tone" :title="each.meaning">{{ each.outcome }}</span>
                <div>
                  <p><time :datetime="iso(each.at)" :title="ago(each.at)">{{ date(each.at) }}</time>
                    <span v-if="each.focus" class="m-measured"><b>{{ each.focus.value }}</b>
                      <span v-if="each.focus.drift.text !== '–'" :class="'m-' + each.focus.drift.tone">{{ each.focus.drift.arrow }} {{ each.focus.drift.text }} {{ each.focus.drift.word }}</span></span></p>
                  <small>{{ each.evaluation }} · store {{ each.store }}<template v-if="each.alerts"> ·
                    <button type="button" class="m-link m-warn" @click="$emit('tab', 'alerts')">{{ each.alerts }}</button></template></small>
                  <small v-if="each.outcome !== 'Current'" class="m-why">{{ each.meaning }}</small>
                  <details v-if="each.metrics.length">
                    <summary>{{ each.metrics.length }} metric{{ each.metrics.length === 1 ? '' : 's' }}</summary>
                    <table class="m-table"><caption class="m-hidden">Metrics of {{ each.evaluation }}</caption>
                      <tbody><tr v-for="metric in each.metrics" :key="metric.code"><th scope="row">{{ metric.label }}</th>
                        <td class="m-number">{{ metric.value }}</td>
                        <td class="m-number" :class="'m-' + metric.drift.tone">{{ metric.drift.arrow }} {{ metric.drift.text }} {{ metric.drift.word }}</td></tr></tbody>
                    </table>
                  </details>
                </div>
              </li>
            </ol>
            <div v-if="body.rows.length" class="m-foot"><span data-testid="evaluation-count">{{ body.total }}</span>
              <button v-if="body.more" type="button" class="m-button" data-testid="more-evaluations" @click="$emit('more')">Show more</button></div>
          </template>

          <template v-else>
            <dl class="m-facts m-first" data-testid="source">
              <template v-for="fact in body.facts" :key="fact.label">
                <dt>{{ fact.label }}</dt>
                <dd><a v-if="fact.href" :href="fact.href" target="_blank" rel="noopener noreferrer">{{ fact.text }}</a>
                  <template v-else>{{ fact.text }}</template><small v-if="fact.note"> · {{ fact.note }}</small></dd>
              </template>
            </dl>
            <h3>Labels</h3>
            <ul v-if="body.labels.length" class="m-labels"><li v-for="label in body.labels" :key="label">{{ label }}</li></ul>
            <p v-else class="m-muted">It has none.</p>
            <template v-if="body.stores.length">
              <h3>Evaluation stores of its current values</h3>
              <ul class="m-items"><li v-for="each in body.stores" :key="each.name"><b>{{ each.name }}</b> <small>{{ each.text }}</small></li></ul>
            </template>
            <h3>For programs</h3>
            <div v-for="each in snippets" :key="each.label" class="m-snippet">
              <div><span>{{ each.label }}</span>
                <button type="button" class="m-link" :aria-label="'Copy: ' + each.label" @click="copy(each)">{{ copied === each.label ? 'Copied' : 'Copy' }}</button></div>
              <pre tabindex="0" :data-testid="each.testid">{{ each.text }}</pre>
            </div>
          </template>
        </div>
      </template>
    </aside>`,
  props: { version: Object, unknown: String, tab: String, tabs: Array, body: Object },
  emits: ["close", "tab", "open", "metric", "more"],
  data: () => ({
    now: Date.now(), width: 0, least: LEAST, most: 0, flash: {}, copied: "",
    chanceMeans: "How often chance alone makes a drift of this size, up or down, where nothing has changed",
  }),
  computed: {
    snippets() {
      const at = location.origin, { key, address, history } = this.body;
      return [
        { label: "Version key", text: key, testid: "version-key" },
        { label: "API address", text: at + address, testid: "api-address" },
        { label: "All its metrics", text: `curl '${at}${address}'`, testid: "curl" },
        { label: "Its history", text: `curl '${at}${history}'`, testid: "curl-history" },
      ];
    },
  },
  watch: {
    "version.key"(key, before) {
      if (this.$refs.panel) this.$refs.panel.scrollTop = 0;
      // Not where it has just been reported: nobody asked for it now.
      if (before) this.take();
    },
    tab() {
      if (this.$refs.panel) this.$refs.panel.scrollTop = 0;
      this.reveal();
    },
    body(body, before) {
      this.now = Date.now();
      if (this.tab !== "metrics" || !body?.rows || !before?.rows || body.focus !== before.focus) return;
      const old = new Map(before.rows.map((row) => [row.code, row.value]));
      for (const { code, value } of body.rows) {
        if (!old.has(code) || old.get(code) === value) continue;
        this.flash[code] = "m-flash";
        setTimeout(() => delete this.flash[code], 2500);
      }
    },
  },
  mounted() {
    this.clock = setInterval(() => (this.now = Date.now()), 5000);
    this.fit = () => this.resize(Number(localStorage.getItem(WIDTH)) || innerWidth * 0.4, false);
    this.fit();
    this.reveal();
    addEventListener("resize", this.fit);
    addEventListener("keydown", this.escape);
    this.take();
  },
  unmounted() {
    clearInterval(this.clock);
    removeEventListener("resize", this.fit);
    removeEventListener("keydown", this.escape);
  },
  methods: {
    // Opened by the reader, not by the address: then it is where the reader goes on.
    take() {
      if (navigator.userActivation?.hasBeenActive) this.$nextTick(() => this.$refs.heading?.focus({ preventScroll: true }));
    },
    // Where the panel is narrow, the tabs are scrolled.
    reveal() {
      this.$nextTick(() => this.$el.querySelector("[role=tab][aria-selected=true]")?.scrollIntoView({ block: "nearest", inline: "nearest" }));
    },
    turn(place) {
      this.$emit("tab", this.tabs[place].name);
      this.$refs.tabs[place].focus();
    },
    step(by) {
      // From the one that has the focus: the one that is open may still be on its way.
      const place = this.$refs.tabs.indexOf(document.activeElement) + by;
      this.turn((place + this.tabs.length) % this.tabs.length);
    },
    close() {
      const key = this.version?.key;
      const row = key && document.querySelector(`[data-testid="version-row"][data-version-key="${CSS.escape(key)}"] a`);
      (row || document.querySelector(".m-list"))?.focus({ preventScroll: true });
      this.$emit("close");
    },
    escape(event) {
      const of = event.target;
      if (event.key !== "Escape" || event.defaultPrevented || of.matches?.("input, select, textarea")) return;
      if (of === document.body || this.$el.contains(of) || of.closest?.(".m-list")) this.close();
    },
    grab(event) {
      const drag = event.currentTarget, from = event.clientX, width = this.width;
      drag.setPointerCapture(event.pointerId);
      drag.onpointermove = (moved) => this.resize(width + from - moved.clientX);
      drag.onpointerup = drag.onpointercancel = () => (drag.onpointermove = null);
      event.preventDefault();
    },
    resize(width, keep = true) {
      this.most = Math.max(LEAST, innerWidth - 380);
      this.width = Math.round(Math.max(LEAST, Math.min(this.most, width)));
      document.body.style.setProperty("--details", `${this.width}px`);
      if (keep) localStorage.setItem(WIDTH, this.width);
    },
    async copy({ label, text }) {
      try {
        await navigator.clipboard.writeText(text);
      } catch {
        // Only pages of this machine or over https may: then it is selected, for the reader to copy.
        const found = [...this.$el.querySelectorAll("pre")].find((each) => each.textContent === text);
        getSelection().selectAllChildren(found);
        return;
      }
      this.copied = label;
      setTimeout(() => (this.copied = ""), 2000);
    },
    ago(at) {
      return mooring.ago(at, this.now);
    },
    date: (at) => mooring.date(at),
    iso: (at) => new Date(at).toISOString(),
  },
};
