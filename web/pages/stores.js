// The evaluation stores.
export default {
  mixins: [mooring.list],
  template: `
    <div class="m-list" :aria-busy="busy">
      <table v-show="!empty" class="m-table m-stores" aria-label="Evaluation stores" data-testid="stores">
        <thead>
          <tr><th scope="col">Store</th><th scope="col">Sync</th><th scope="col">Since</th><th scope="col" class="m-col-thresholds">Thresholds</th></tr>
        </thead>
        <tbody>
          <tr v-for="row in rows" :key="row.id" class="m-version" :class="{ 'm-selected': row.id === selected, 'm-arrived': arrived[row.id] }"
              :aria-current="row.id === selected" data-row data-testid="store-row" :data-store-key="row.id" @click="clicked(row)">
            <td class="m-col-store">
              <a :href="'?store=' + encodeURIComponent(row.id)" @click.exact.prevent.stop="$emit('open', row.id)">{{ row.name || row.store }}</a>
              <div class="m-path">{{ row.place }}<template v-if="row.name"> › {{ row.store }}</template></div>
            </td>
            <td>
              <span class="m-pill" :class="'m-' + row.tone" data-testid="sync">{{ row.status }}</span>
              <small v-if="row.ahead && row.ahead.synced !== row.synced" class="m-ahead" :title="date(row.ahead.at)">
                {{ row.ahead.synced ? 'opts in' : 'opts out' }} {{ ago(row.ahead.at) }}</small>
            </td>
            <td class="m-since" data-testid="since">
              <template v-if="row.since"><time :datetime="iso(row.since)" :title="date(row.since)">{{ ago(row.since) }}</time>
                <small v-if="row.actor">by {{ row.actor }}</small></template>
              <span v-else class="m-muted">from the start</span>
            </td>
            <td class="m-col-thresholds">
              <div v-for="line in row.thresholds" :key="line">{{ line }}</div>
              <small v-if="row.further">and {{ row.further }} more</small>
              <span v-if="!row.thresholds.length" class="m-muted">none</span>
            </td>
          </tr>
        </tbody>
      </table>
      <list-end :empty="empty" :more="more" unmatched="No store matches" reason="No store is of this node and project."
                @more="$emit('more')" @clear="$emit('clear')">
        <svg viewBox="0 0 24 24" width="40" height="40" aria-hidden="true"><ellipse cx="12" cy="5.5" rx="7.5" ry="3" /><path d="M4.5 5.5v13c0 1.7 3.4 3 7.5 3s7.5-1.3 7.5-3v-13M4.5 12c0 1.7 3.4 3 7.5 3s7.5-1.3 7.5-3" /></svg>
        <h2>No evaluation store yet</h2>
        <p>A store appears with the first evaluation that a job reports in it, or when it is configured:</p>
        <pre tabindex="0">mooring.evaluated("redemption", "v1", store="weekly", metrics={"roc_auc": 0.81})</pre>
        <p class="m-muted">It appears here by itself; there is no need to reload.</p>
      </list-end>
    </div>`,
};
