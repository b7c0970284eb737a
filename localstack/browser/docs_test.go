package browser_test

import (
	"crypto/rand"
	"testing"

	"github.com/chromedp/chromedp"
)

const operation = "#operations-Figures-global-stats"

func TestDocumentationIsInteractiveUnderTheStage(t *testing.T) {
	s, p := open(t), newTab(t)
	s.send(t, message(t, rand.Text(), "U1", "2024-05-06", "12.34"))
	for _, base := range append([]string{s.url}, s.aliases...) {
		p.visit(base + "/docs")
		p.waitText("#swagger-ui", "Order statistics")
		p.waitText("#swagger-ui", "/stats/monthly")
		p.screenshot("docs")
		p.do(chromedp.Click(operation + " .opblock-summary-control"))
		p.waitText(operation+" .responses-table", "total_orders") // the viewer has resolved the operation
		p.do(chromedp.Click(operation + " .execute"))
		p.waitText(operation+" .live-responses-table .response .response-col_status", "200")
		p.waitText(operation+" .live-responses-table", "total_revenue")
		p.waitText(operation+" .request-url", base+"/stats/global")
	}
}
