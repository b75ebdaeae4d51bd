// There is no such page: where to go from here.
export default {
  template: `
    <div class="m-list">
      <div class="m-empty" data-testid="unknown">
        <svg viewBox="0 0 24 24" width="40" height="40" aria-hidden="true">
          <circle cx="12" cy="4.5" r="2.5" /><path d="M12 7v14M7 11h10M3.5 14c.6 4.2 4 7 8.5 7s7.9-2.8 8.5-7" />
        </svg>
        <h2>There is no page at this address</h2>
        <p>The link may be old, or the address mistyped. The pages are in the bar on top.</p>
        <a class="m-button" href="/">Go to the Model registry</a>
      </div>
    </div>`,
};
