// The alerts, the newest first, by day.
export default {
  mixins: [mooring.list],
  template: `
    <div class="m-list m-feed" :aria-busy="busy" data-testid="alert-list">
      <list-news :unseen="unseen" noun="alert" @follow="toTop"></list-news>
      <template v-for="day in days" :key="day.name">
        <h2>{{ day.name }}</h2>
        <ol>
          <li v-for="alert in day.alerts" :key="alert.id" class="m-row" :class="{ 'm-arrived': arrived[alert.id] }"
              data-row data-testid="alert-row" :data-alert-id="alert.id">
            <span class="m-pill" :class="'m-' + alert.tone" data-testid="severity">{{ alert.severity }}</span>
            <div class="m-what">
              <p class="m-title">
                <a :href="alert.href" data-testid="alert-version">{{ alert.title }}</a>
                <span v-if="alert.active" class="m-tag">Active</span>
                <small>{{ alert.place }}</small>
              </p>
              <p data-testid="reason">{{ alert.reason }}</p>
            </div>
            <div class="m-moved" :class="'m-' + alert.drift.tone" :title="alert.since" data-testid="drift">
              <span aria-hidden="true">{{ alert.drift.arrow }}</span> {{ alert.drift.text }} <em>{{ alert.drift.word }}</em>
              <small>{{ alert.metric }}</small>
            </div>
            <div class="m-whence">
              <time :datetime="iso(alert.at)" :title="date(alert.at)">{{ ago(alert.at) }}</time>
              <small :title="alert.evaluation">{{ alert.store }}</small>
            </div>
          </li>
        </ol>
      </template>
      <list-end :empty="empty" :more="more" unmatched="No alert matches" reason="None of the alerts passes all filters. Those that do will appear here as they are raised."
                @more="$emit('more')" @clear="$emit('clear')">
        <svg viewBox="0 0 24 24" width="40" height="40" aria-hidden="true"><path d="M6 17V11a6 6 0 0 1 12 0v6l1.5 2h-15zM10 21.5h4" /></svg>
        <h2>No drift alert yet</h2>
        <p>One is raised when an evaluation moves a watched metric of a version, ROC AUC unless set otherwise. To see it happen:</p>
        <pre tabindex="0">{{ example }}</pre>
        <p class="m-muted">It appears here as soon as it is raised; there is no need to reload.</p>
      </list-end>
    </div>`,
  props: { example: String },
  computed: {
    days() {
      const days = new Map();
      for (const alert of this.rows) {
        const name = this.day(alert.at);
        days.set(name, [...(days.get(name) || []), alert]);
      }
      return [...days].map(([name, alerts]) => ({ name, alerts }));
    },
  },
  methods: {
    day(at) {
      const [then, today] = [new Date(at), new Date(this.now)];
      const before = Math.round((today.setHours(0, 0, 0, 0) - new Date(at).setHours(0, 0, 0, 0)) / 864e5);
      if (before === 0 || before === 1) return before ? "Yesterday" : "Today";
      return then.toLocaleDateString(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
    },
  },
};
