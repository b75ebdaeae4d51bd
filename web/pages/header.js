// The bar on top: name, how current the data are, alerts.
export default {
  template: `
    <header class="m-header">
      <a class="m-brand" href="/" aria-label="Mooring, model registry">
        <svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true">
          <circle cx="12" cy="4.5" r="2.5" /><path d="M12 7v14M7 11h10M3.5 14c.6 4.2 4 7 8.5 7s7.9-2.8 8.5-7" />
        </svg>
        <span>Mooring</span>
      </a>
      <h1 class="m-hidden">{{ heading }}</h1>
      <nav class="m-nav" aria-label="Pages">
        <a v-for="page in pages" :key="page.path" :href="page.path" :aria-current="page.path === path ? 'page' : null"
           :data-testid="'page-' + page.name">{{ page.label }}</a>
      </nav>
      <span class="m-grow"></span>
      <span class="m-live" :class="'m-' + status.tone" role="status" :title="status.title" data-testid="live">
        <i aria-hidden="true"></i>{{ status.text }}
      </span>
      <div class="m-alerts" @keydown.esc="open = false" @focusout="left">
        <button type="button" class="m-button" :aria-expanded="open" aria-controls="latest-alerts"
                title="Latest alerts" data-testid="alerts-button" @click="open = !open">
          <svg viewBox="0 0 24 24" width="18" height="18" aria-hidden="true"><path d="M6 17v-6a6 6 0 0 1 12 0v6l1.5 2h-15zM10 21.5h4" /></svg>
          <span class="m-hidden">Latest alerts</span>
          <span v-for="count in counts" :key="count.severity" class="m-count" :class="'m-' + count.tone"
                :title="count.title" :data-testid="'alerts-' + count.severity.toLowerCase()">{{ count.text }}</span>
          <span v-if="!counts.length" class="m-count">0</span>
        </button>
        <section v-if="open" id="latest-alerts" class="m-latest" aria-label="Latest alerts" data-testid="latest-alerts">
          <h2>Latest drift alerts</h2>
          <p v-if="!alerts.length" class="m-muted">None yet. An alert appears here when a watched metric moves.</p>
          <a v-for="alert in alerts" :key="alert.id" class="m-alert" :href="alert.href" data-testid="latest-alert"
             @click.exact.prevent="open = false; $emit('open', alert.version)">
            <span class="m-pill" :class="'m-' + alert.tone">{{ alert.severity }}</span>
            <span><b>{{ alert.title }}</b><br />{{ alert.reason }}</span>
            <time>{{ ago(alert.at) }}</time>
          </a>
          <a class="m-all" href="/alerts" data-testid="all-alerts">All alerts</a>
        </section>
      </div>
      <button type="button" class="m-button m-icon" :title="'Theme: ' + theme" :aria-label="'Theme: ' + theme"
              data-testid="theme" @click="turn">
        <svg viewBox="0 0 24 24" width="18" height="18" aria-hidden="true">
          <circle cx="12" cy="12" r="8" /><path d="M12 4a8 8 0 0 1 0 16z" class="m-filled" />
        </svg>
      </button>
    </header>`,
  props: { status: { default: () => ({}) }, counts: { default: () => [] }, alerts: { default: () => [] }, path: String, heading: String },
  emits: ["open"],
  data: () => ({
    pages: [
      { name: "registry", path: "/", label: "Registry" },
      { name: "alerts", path: "/alerts", label: "Alerts" },
      { name: "stores", path: "/stores", label: "Stores" },
      { name: "dead-letters", path: "/dead-letters", label: "Dead letters" },
    ],
    open: false, theme: mooring.theme(),
    now: Date.now(),
  }),
  mounted() {
    mooring.start();
    this.clock = setInterval(() => (this.now = Date.now()), 5000);
  },
  unmounted() {
    clearInterval(this.clock);
  },
  methods: {
    ago(at) {
      return mooring.ago(at, this.now);
    },
    turn() {
      this.theme = mooring.nextTheme();
    },
    left(event) {
      if (!event.currentTarget.contains(event.relatedTarget)) this.open = false;
    },
  },
};
